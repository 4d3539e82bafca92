//! A call written for a POSIX shell, with `curl`.

use std::path::Path;

use reqwest::Method;
use url::Url;

use crate::transport::ProxyChoice;

/// The body as `curl` gets it.
#[derive(Debug, Clone, Copy)]
pub enum CurlBody<'a> {
    /// The text itself.
    Text(&'a str),
    /// A file that `curl` reads itself.
    File(&'a Path),
}

/// How the call gets there, where somebody says so. What the environment says `curl` heeds by itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct CurlWay<'a> {
    /// The file with the certificate authorities.
    pub ca_cert: Option<&'a Path>,
    /// What was said about proxies; user name and password are left out.
    pub proxy: Option<&'a ProxyChoice>,
}

/// The command that makes the same call. The token stands as a variable, not as itself.
#[must_use]
pub fn curl(method: &Method, url: &Url, body: Option<CurlBody<'_>>, way: CurlWay<'_>) -> String {
    let mut lines = vec!["curl".to_owned()];
    if url.as_str().contains(['[', ']', '{', '}']) {
        // These would stand for many addresses.
        lines.push("--globoff".to_owned());
    }
    if let Some(file) = way.ca_cert {
        lines.push(format!("--cacert {}", quoted(&file.display().to_string())));
    }
    match way.proxy {
        Some(ProxyChoice::Never) => lines.push("--noproxy '*'".to_owned()),
        Some(ProxyChoice::Through(proxy)) => {
            lines.push(format!("--proxy {}", quoted(&proxy.to_string())));
        }
        None => {}
    }
    if method != Method::GET || body.is_some() {
        lines.push(format!("--request {method}"));
    }
    lines.push(r#"--header "Authorization: Bearer $HEADCOUNT_TOKEN""#.to_owned());
    lines.push("--header 'Accept: application/scim+json'".to_owned());
    if let Some(body) = body {
        lines.push("--header 'Content-Type: application/scim+json'".to_owned());
        let data = match body {
            CurlBody::Text(text) => quoted(text),
            CurlBody::File(path) => quoted(&format!("@{}", path.display())),
        };
        lines.push(format!("--data-binary {data}"));
    }
    lines.push(quoted(url.as_str()));
    let mut command = lines.join(" \\\n  ");
    command.push('\n');
    command
}

/// One word for `sh`, whatever is in it.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./_-".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_the_same_way_without_a_password() {
        let url = Url::parse("https://scim.example.com/v2/Users").unwrap();
        let proxy = "http://ann:s3cret@proxy.example.com:8080".parse().unwrap();
        let way = CurlWay {
            ca_cert: Some(Path::new("our ca.pem")),
            proxy: Some(&proxy),
        };
        let command = curl(&Method::GET, &url, None, way);
        insta::assert_snapshot!(command, @r#"
        curl \
          --cacert 'our ca.pem' \
          --proxy http://proxy.example.com:8080 \
          --header "Authorization: Bearer $HEADCOUNT_TOKEN" \
          --header 'Accept: application/scim+json' \
          https://scim.example.com/v2/Users
        "#);
    }

    #[test]
    fn a_call_is_written_for_a_shell() {
        let url = Url::parse(
            "https://keepersecurity.eu/v2/12/Users?filter=members[value%20eq%20%221%22]",
        );
        let body = CurlBody::Text(r#"{"displayName": "O'Brien $HOME `x`"}"#);
        let command = curl(&Method::POST, &url.unwrap(), Some(body), CurlWay::default());
        insta::assert_snapshot!(command, @r#"
        curl \
          --globoff \
          --request POST \
          --header "Authorization: Bearer $HEADCOUNT_TOKEN" \
          --header 'Accept: application/scim+json' \
          --header 'Content-Type: application/scim+json' \
          --data-binary '{"displayName": "O'\''Brien $HOME `x`"}' \
          'https://keepersecurity.eu/v2/12/Users?filter=members[value%20eq%20%221%22]'
        "#);
    }

    #[test]
    fn a_plain_call_is_short() {
        let url = Url::parse("https://keepersecurity.eu/v2/12/Users").unwrap();
        insta::assert_snapshot!(curl(&Method::GET, &url, None, CurlWay::default()), @r#"
        curl \
          --header "Authorization: Bearer $HEADCOUNT_TOKEN" \
          --header 'Accept: application/scim+json' \
          https://keepersecurity.eu/v2/12/Users
        "#);
        let file = CurlBody::File(Path::new("new people.json"));
        let command = curl(&Method::PUT, &url, Some(file), CurlWay::default());
        assert!(
            command.contains("--data-binary '@new people.json'"),
            "{command}"
        );
    }

    #[test]
    #[cfg(unix)]
    fn a_shell_reads_each_word_as_it_was() {
        for word in [
            "",
            "plain",
            "two words",
            "it's",
            "''",
            "\"$HOME\" `id` $(id) \\",
            "a\nb\ttab",
            "é*?[x]!#~;&|<>",
            "-n",
        ] {
            let script = format!("printf %s {}", quoted(word));
            let output = std::process::Command::new("sh")
                .args(["-c", &script])
                .output()
                .unwrap();
            // `printf` takes "-n" for its text here, as it comes after the format.
            assert_eq!(String::from_utf8(output.stdout).unwrap(), word, "{script}");
        }
    }
}
