//! Where messages may go.

use url::{Host, Url};

/// Longest address, in bytes.
const LONGEST: usize = 2_000;

/// Reads the address of a receiver: `https`, or `http` on this machine alone.
///
/// # Errors
/// What is wrong and what to give instead, in a sentence without the address.
pub fn read(text: &str) -> Result<Url, &'static str> {
    const FORM: &str = "give an address such as https://hooks.example.com/rollcall";
    if text.len() > LONGEST {
        return Err("give an address of at most 2000 bytes");
    }
    let url = Url::parse(text).map_err(|_not_a_url| FORM)?;
    let is_here = match url.host() {
        None => return Err(FORM),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
    };
    match url.scheme() {
        "https" => {}
        "http" if is_here => {}
        "http" => {
            return Err("give an address that begins with https://: http is for this machine");
        }
        _ => return Err(FORM),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("leave name and password out: messages are signed instead");
    }
    if url.fragment().is_some() {
        return Err("leave out what follows '#': it is never sent");
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn https_anywhere_and_http_on_this_machine() {
        for text in [
            "https://hooks.example.com/rollcall",
            "https://hooks.example.com:8443/a?b=c",
            "https://10.0.0.7/",
            "http://localhost:9000/x",
            "http://a.localhost/",
            "http://127.0.0.1:9",
            "http://[::1]:9/",
        ] {
            assert!(read(text).is_ok(), "{text}");
        }
        let long = format!("https://hooks.example.com/{}", "a".repeat(2_000));
        for text in [
            "",
            "hooks.example.com",
            "ftp://hooks.example.com",
            "http://hooks.example.com",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "https://ann:secret@hooks.example.com",
            "https://ann@hooks.example.com",
            "https://hooks.example.com/#a",
            "mailto:ann@example.com",
            long.as_str(),
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(https?://)?.*") {
            drop(read(&text));
        }
    }
}
