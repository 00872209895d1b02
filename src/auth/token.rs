//! The text of tokens.
//!
//! ```text
//! token        = "rc_" organization "_" secret
//! organization = the organization's number
//! secret       = 43 characters of base64url: 32 random bytes
//! ```
//!
//! The number says in whose rows to look the hash up; it is no secret and gives no rights.

use super::principal::Scope;
use crate::id::{self, OrganizationId};
use crate::store::clients::{Client, TokenRow};
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;

/// What every token begins with, so that scanners for leaked secrets can find one.
const MARK: &str = "rc_";
/// Characters of the secret.
const SECRET: usize = 43;
/// Characters of the secret by which people recognise a token: few enough to leave the rest
/// unguessable.
const SHOWN: usize = 7;

/// A new token: its text, to be shown once, and what is stored of it.
#[derive(Debug)]
pub struct Issued {
    /// The whole text.
    pub text: SecretString,
    /// The row for [`crate::store::Transaction::insert_token`].
    pub row: TokenRow,
}

/// Makes a token for a client; nothing is stored yet.
pub fn issue(
    organization: OrganizationId,
    client: Client,
    scopes: &[Scope],
    now_us: i64,
    expires_us: Option<i64>,
) -> Issued {
    let mut bytes = [0; 32];
    id::fill(&mut bytes);
    let text = format!("{MARK}{}_{}", organization.0, URL_SAFE_NO_PAD.encode(bytes));
    let prefix = text.chars().take(text.len().saturating_sub(SECRET) + SHOWN).collect();
    let row = TokenRow {
        hash: hash(&text),
        prefix,
        client,
        scopes: scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
        created_us: now_us,
        expires_us,
        used_us: None,
        subject: None,
    };
    Issued { text: text.into(), row }
}

/// A token as a caller sends it, without its secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parsed {
    /// In whose rows to look it up.
    pub organization: OrganizationId,
    /// SHA-256 of the whole text.
    pub hash: [u8; 32],
}

impl Parsed {
    /// Reads a token's text; none where it cannot be one of ours.
    pub fn read(text: &str) -> Option<Self> {
        let (number, secret) = text.strip_prefix(MARK)?.split_once('_')?;
        let well_formed = !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && secret.len() == SECRET
            && secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if !well_formed {
            return None;
        }
        Some(Self { organization: OrganizationId(number.parse().ok()?), hash: hash(text) })
    }
}

fn hash(text: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    for (to, from) in hash.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::ClientId;

    use secrecy::ExposeSecret as _;

    fn okta() -> Client {
        let id = ClientId(crate::id::new_uuid(1));
        Client { id, name: "okta".into(), dialect: <_>::default(), created_us: 1 }
    }

    #[test]
    fn what_was_issued_can_be_read() {
        let issued = issue(OrganizationId(17), okta(), &[Scope::ScimWrite], 5, Some(9));
        let parsed = Parsed::read(issued.text.expose_secret()).unwrap();
        assert_eq!(parsed.organization, OrganizationId(17));
        assert_eq!(parsed.hash, issued.row.hash);
        assert_eq!(issued.row.scopes, ["scim.write"]);
        assert_eq!((issued.row.created_us, issued.row.expires_us), (5, Some(9)));
    }

    #[test]
    fn a_prefix_is_the_start_of_the_token_and_far_from_all_of_it() {
        let issued = issue(OrganizationId(1), okta(), &[], 5, None);
        assert_eq!(issued.row.prefix.len(), 12);
        assert!(issued.text.expose_secret().starts_with(&issued.row.prefix));
    }

    #[test]
    fn two_tokens_are_never_the_same() {
        let [one, two] = [(); 2].map(|()| issue(OrganizationId(1), okta(), &[], 5, None));
        assert_ne!(one.row.hash, two.row.hash);
        assert_ne!(one.row.prefix, two.row.prefix);
    }

    #[test]
    fn a_token_does_not_show_in_debug_output() {
        let issued = issue(OrganizationId(1), okta(), &[], 5, None);
        let secret = issued.text.expose_secret().rsplit('_').next().unwrap().to_owned();
        assert!(!format!("{issued:?}").contains(&secret));
    }

    /// The example of FIPS 180-2, "abc".
    #[test]
    fn the_hash_is_sha_256() {
        assert_eq!(hash("abc")[..4], [0xba, 0x78, 0x16, 0xbf]);
    }

    #[test]
    fn other_texts_are_no_tokens() {
        let secret = "A".repeat(43);
        assert!(Parsed::read(&format!("rc_1_{secret}")).is_some());
        for text in [
            String::new(),
            "rc_".into(),
            secret.clone(),
            format!("rc__{secret}"),
            format!("rc_+1_{secret}"),
            format!("rc_x_{secret}"),
            format!("rc_99999999999999999999_{secret}"),
            format!("rc_1_{secret}A"),
            format!("rc_1_{}", "A".repeat(42)),
            format!("rc_1_{}=", "A".repeat(42)),
            format!("sk_1_{secret}"),
        ] {
            assert_eq!(Parsed::read(&text), None, "{text:?}");
        }
    }
}
