//! Signing, as [Standard Webhooks](https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md)
//! has it: HMAC-SHA256 over `id.timestamp.body`.

use crate::id;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use secrecy::{ExposeSecret as _, SecretString};

/// How a secret begins.
const PREFIX: &str = "whsec_";
/// Bytes of a secret, by the specification.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// Bytes of a new one.
const NEW: usize = 32;

/// A secret by which messages are signed.
pub struct Secret(hmac::Key);

impl Secret {
    /// Reads `whsec_` and the base64 of 24 to 64 bytes; none for anything else.
    pub fn read(text: &SecretString) -> Option<Self> {
        let bytes = BASE64.decode(text.expose_secret().strip_prefix(PREFIX)?).ok()?;
        BYTES.contains(&bytes.len()).then(|| Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// The value of `webhook-signature` for a message sent at this second.
    pub fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        let tag = hmac::sign(&self.0, format!("{id}.{timestamp}.{body}").as_bytes());
        format!("v1,{}", BASE64.encode(tag.as_ref()))
    }
}

/// A new secret, as its owner writes it.
pub fn generate() -> SecretString {
    let mut bytes = [0; NEW];
    id::fill(&mut bytes);
    SecretString::from(format!("{PREFIX}{}", BASE64.encode(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text.to_owned())
    }

    /// The example of the specification's own libraries.
    #[test]
    fn the_known_message_has_the_known_signature() {
        let secret = Secret::read(&secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).unwrap();
        let signature =
            secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, "{\"test\": 2432232314}");
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_new_secret_can_be_read_and_is_another_each_time() {
        let (one, other) = (generate(), generate());
        assert!(Secret::read(&one).is_some());
        assert_ne!(one.expose_secret(), other.expose_secret());
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        let short = format!("whsec_{}", BASE64.encode([7; 23]));
        let long = format!("whsec_{}", BASE64.encode([7; 65]));
        let bare = BASE64.encode([7; 32]);
        for text in ["", "whsec_", "whsec_%", short.as_str(), long.as_str(), bare.as_str()] {
            assert!(Secret::read(&secret(text)).is_none(), "{text}");
        }
        for length in BYTES {
            let text = format!("whsec_{}", BASE64.encode(vec![7; length]));
            assert!(Secret::read(&secret(&text)).is_some(), "{length}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            drop(Secret::read(&secret(&text)));
            drop(Secret::read(&secret(&format!("{PREFIX}{text}"))));
        }
    }
}
