//! Sealing of secrets at rest: AES-256-GCM-SIV with a key ring.
//!
//! A sealed secret is bound to its place (`organization`, `owner`, `name`), so a row copied over
//! another does not open. The key file holds one key per line, newest first: `id:base64`. New
//! secrets are sealed with the first; every key in the file still opens.

use crate::id;
use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD as BASE64, URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret as _, SecretString};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

/// Why a secret cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The key file cannot be read or made.
    #[error("the key file {path}: {source}")]
    File {
        /// Which file.
        path: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// A line of the key file is not `id:base64 of 32 bytes`.
    #[error("the key file {0}: line {1} is not `id:base64` of a 32-byte key")]
    Malformed(String, usize),
    /// The key with which it was sealed is not in the key file.
    #[error("sealed with the key {0:?}, which is not in the key file: put that key's line back")]
    UnknownKey(String),
    /// The bytes were changed, or belong to another place.
    #[error("a stored secret cannot be opened: enter it again")]
    Damaged,
}

/// A secret as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Which key opens it.
    pub key_id: String,
    /// Nonce, ciphertext and tag.
    pub bytes: Vec<u8>,
}

/// Where a secret belongs.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Number of the organization.
    pub organization: i64,
    /// `app:<id>`.
    pub owner: &'a str,
    /// Name of the setting.
    pub name: &'a str,
}

impl Place<'_> {
    fn associated_data(&self) -> Vec<u8> {
        // Lengths keep ("a", "bc") and ("ab", "c") apart.
        format!("{}|{}|{}|{}", self.organization, self.owner.len(), self.owner, self.name)
            .into_bytes()
    }
}

struct Key {
    id: String,
    bytes: [u8; 32],
}

/// The keys of this installation, cheap to clone.
#[derive(Clone)]
pub struct Vault {
    keys: Arc<Vec<Key>>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").field("keys", &self.keys.len()).finish()
    }
}

impl Vault {
    /// Reads the key file, or makes one with a fresh key and mode 0600.
    ///
    /// # Errors
    /// [`Error::File`] and [`Error::Malformed`].
    pub fn open_or_create(path: &Path) -> Result<Self, Error> {
        let file = |source| Error::File { path: path.display().to_string(), source };
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&path.display().to_string(), &text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let text = format!("# Opens every stored credential. Keep a copy.\n{}\n", fresh());
                match create_private(path, &text) {
                    Ok(()) => Self::parse(&path.display().to_string(), &text),
                    // Another process made it between the two calls.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                        let text = std::fs::read_to_string(path).map_err(file)?;
                        Self::parse(&path.display().to_string(), &text)
                    }
                    Err(error) => Err(file(error)),
                }
            }
            Err(error) => Err(file(error)),
        }
    }

    /// A vault with one fresh key that is not kept anywhere.
    pub fn ephemeral() -> Self {
        Self::parse("memory", &fresh()).unwrap_or_else(|_| Self { keys: Arc::default() })
    }

    fn parse(path: &str, text: &str) -> Result<Self, Error> {
        let mut keys = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let malformed = || Error::Malformed(path.to_owned(), number + 1);
            let (id, encoded) = line.split_once(':').ok_or_else(malformed)?;
            let bytes = BASE64
                .decode(encoded.trim())
                .ok()
                .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
                .ok_or_else(malformed)?;
            keys.push(Key { id: id.trim().to_owned(), bytes });
        }
        if keys.is_empty() {
            return Err(Error::Malformed(path.to_owned(), 1));
        }
        Ok(Self { keys: Arc::new(keys) })
    }

    /// Seals a secret for its place with the newest key.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the cipher refuses, which it does for no input of ours.
    pub fn seal(&self, place: Place<'_>, secret: &SecretString) -> Result<Sealed, Error> {
        let key = self.keys.first().ok_or(Error::Damaged)?;
        let cipher = cipher(&key.bytes)?;
        let mut bytes = secret.expose_secret().as_bytes().to_vec();
        let nonce = cipher
            .seal_in_place_append_tag(Aad::from(place.associated_data()), &mut bytes)
            .map_err(|_unspecified| Error::Damaged)?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.extend_from_slice(&bytes);
        Ok(Sealed { key_id: key.id.clone(), bytes: sealed })
    }

    /// Opens what was sealed for that place.
    ///
    /// # Errors
    /// [`Error::UnknownKey`] and [`Error::Damaged`].
    pub fn open(&self, place: Place<'_>, sealed: &Sealed) -> Result<SecretString, Error> {
        let key = self
            .keys
            .iter()
            .find(|key| key.id == sealed.key_id)
            .ok_or_else(|| Error::UnknownKey(sealed.key_id.clone()))?;
        let cipher = cipher(&key.bytes)?;
        let (nonce, body) = sealed.bytes.split_at_checked(12).ok_or(Error::Damaged)?;
        let nonce =
            Nonce::try_assume_unique_for_key(nonce).map_err(|_unspecified| Error::Damaged)?;
        let mut body = body.to_vec();
        let plain = cipher
            .open_in_place(nonce, Aad::from(place.associated_data()), &mut body)
            .map_err(|_unspecified| Error::Damaged)?;
        let text = std::str::from_utf8(plain).map_err(|_not_text| Error::Damaged)?;
        Ok(SecretString::from(text.to_owned()))
    }
}

impl Vault {
    /// Seals a few bytes for somebody to hold and to bring back: URL-safe text that tells nothing
    /// and opens only with the same `context`.
    ///
    /// # Errors
    /// [`Error::Damaged`] when the cipher refuses, which it does for no input of ours.
    pub fn seal_token(&self, context: &[u8], payload: &[u8]) -> Result<String, Error> {
        let key = self.keys.first().ok_or(Error::Damaged)?;
        let mut bytes = payload.to_vec();
        let nonce = cipher(&key.bytes)?
            .seal_in_place_append_tag(Aad::from(token_data(context)), &mut bytes)
            .map_err(|_unspecified| Error::Damaged)?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.extend_from_slice(&bytes);
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens what [`Vault::seal_token`] sealed, by any key of the ring; none for anything else.
    pub fn open_token(&self, context: &[u8], token: &str) -> Option<Vec<u8>> {
        let sealed = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (nonce, body) = sealed.split_at_checked(12)?;
        self.keys.iter().find_map(|key| {
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let mut body = body.to_vec();
            let plain = cipher(&key.bytes)
                .ok()?
                .open_in_place(nonce, Aad::from(token_data(context)), &mut body)
                .ok()?;
            Some(plain.to_vec())
        })
    }
}

/// Keeps tokens and the secrets of a [`Place`] apart, whose data begins with a digit.
fn token_data(context: &[u8]) -> Vec<u8> {
    [b"token|", context].concat()
}

fn cipher(key: &[u8; 32]) -> Result<RandomizedNonceKey, Error> {
    RandomizedNonceKey::new(&AES_256_GCM_SIV, key).map_err(|_unspecified| Error::Damaged)
}

fn fresh() -> String {
    let mut key = [0; 32];
    id::fill(&mut key);
    let mut name = [0; 4];
    id::fill(&mut name);
    format!("{:08x}:{}", u32::from_be_bytes(name), BASE64.encode(key))
}

fn create_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'_> = Place { organization: 1, owner: "app:7", name: "token" };

    #[test]
    fn opens_what_it_sealed_and_only_in_its_place() {
        let vault = Vault::ephemeral();
        let sealed = vault.seal(PLACE, &SecretString::from("s3cret".to_owned())).unwrap();
        assert!(!sealed.bytes.windows(6).any(|part| part == b"s3cret"));
        assert_eq!(vault.open(PLACE, &sealed).unwrap().expose_secret(), "s3cret");
        for other in [
            Place { organization: 2, ..PLACE },
            Place { owner: "app:8", ..PLACE },
            Place { name: "password", ..PLACE },
        ] {
            assert!(matches!(vault.open(other, &sealed), Err(Error::Damaged)));
        }
        assert!(matches!(Vault::ephemeral().open(PLACE, &sealed), Err(Error::UnknownKey(_))));
    }

    #[test]
    fn a_changed_byte_does_not_open() {
        let vault = Vault::ephemeral();
        let sealed = vault.seal(PLACE, &SecretString::from("s3cret".to_owned())).unwrap();
        for at in 0..sealed.bytes.len() {
            let mut changed = sealed.clone();
            changed.bytes[at] ^= 1;
            assert!(vault.open(PLACE, &changed).is_err(), "byte {at}");
        }
    }

    #[test]
    fn a_token_opens_in_its_context_alone() {
        let vault = Vault::ephemeral();
        for payload in [b"".as_slice(), b"a few bytes", &[0xff; 1_000]] {
            let token = vault.seal_token(b"here", payload).unwrap();
            assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            assert_eq!(vault.open_token(b"here", &token).as_deref(), Some(payload));
            assert_ne!(vault.seal_token(b"here", payload).unwrap(), token);
            assert_eq!(vault.open_token(b"there", &token), None);
            assert_eq!(Vault::ephemeral().open_token(b"here", &token), None);
            for at in 0..token.len() {
                let mut changed = token.clone().into_bytes();
                changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
                let changed = String::from_utf8(changed).unwrap();
                assert_eq!(vault.open_token(b"here", &changed), None, "{at}");
            }
            assert_eq!(vault.open_token(b"here", &format!("{token}A")), None);
        }
        for text in ["", "A", "====", "not base64!", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(vault.open_token(b"here", text), None);
        }
        // A stored secret is no token.
        let sealed = vault.seal(PLACE, &SecretString::from("s3cret".to_owned())).unwrap();
        let token = URL_SAFE_NO_PAD.encode(&sealed.bytes);
        assert_eq!(vault.open_token(&PLACE.associated_data(), &token), None);
    }

    #[test]
    fn a_token_outlives_the_rotation_of_keys() {
        let (old, new) = (fresh(), fresh());
        let before = Vault::parse("memory", &old).unwrap();
        let token = before.seal_token(b"here", b"x").unwrap();
        let after = Vault::parse("memory", &format!("{new}\n{old}")).unwrap();
        assert_eq!(after.open_token(b"here", &token).as_deref(), Some(b"x".as_slice()));
    }

    #[test]
    fn the_key_file_is_private_kept_and_rotates() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rollcall.key");
        let first = Vault::open_or_create(&path).unwrap();
        let sealed = first.seal(PLACE, &SecretString::from("s3cret".to_owned())).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let old = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{}\n{old}", fresh())).unwrap();
        let rotated = Vault::open_or_create(&path).unwrap();
        assert_eq!(rotated.open(PLACE, &sealed).unwrap().expose_secret(), "s3cret");
        let newer = rotated.seal(PLACE, &SecretString::from("other".to_owned())).unwrap();
        assert_ne!(newer.key_id, sealed.key_id);
    }

    #[test]
    fn a_broken_key_file_is_named_with_its_line() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("rollcall.key");
        std::fs::write(&path, "# key\n\nk1:short\n").unwrap();
        let error = Vault::open_or_create(&path).unwrap_err().to_string();
        assert!(error.contains("line 3"), "{error}");
    }
}
