//! Tokens that forges know the operator by. They come from the environment or a file, never from arguments or the config
//! file, and each is sent to its own forge alone.

use std::env::{self, VarError};
use std::fs;
use std::path::Path;

use codelupe_core::error::ErrorCode;
use codelupe_forge::{Token, Url};

use crate::failure::{Context as _, Failure, Result};

/// Variables for the tokens of well-known forges, and the origins that each is for: a site and its API.
const VARIABLES: [(&str, &[&str]); 3] = [
    (
        "CODELUPE_GITHUB_TOKEN",
        &["https://github.com/", "https://api.github.com/"],
    ),
    ("CODELUPE_GITLAB_TOKEN", &["https://gitlab.com/"]),
    ("CODELUPE_CODEBERG_TOKEN", &["https://codeberg.org/"]),
];

/// The variable that names a file with a line `https://HOST TOKEN` for each other forge.
const FILE_VARIABLE: &str = "CODELUPE_TOKENS_FILE";

/// All tokens of the environment and the file it names.
pub(super) fn read() -> Result<Vec<Token>> {
    let mut tokens = Vec::new();
    for (variable, sites) in VARIABLES {
        let Some(secret) = variable_text(variable)? else {
            continue;
        };
        for site in sites {
            tokens.push(token(&secret, site, variable)?);
        }
    }
    if let Some(path) = variable_text(FILE_VARIABLE)? {
        tokens.extend(read_file(Path::new(&path))?);
    }
    Ok(tokens)
}

/// A variable that is set and not empty.
fn variable_text(name: &str) -> Result<Option<String>> {
    match env::var(name) {
        Ok(text) => Ok(Some(text).filter(|text| !text.is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(Failure::new(ErrorCode::Validation, format!("{name} is not text"))),
    }
}

fn read_file(path: &Path) -> Result<Vec<Token>> {
    let place = || format!("{FILE_VARIABLE} names `{}`", path.display());
    let text = fs::read_to_string(path)
        .with_context(|| Failure::new(ErrorCode::NotFound, format!("{}, which cannot be read", place())))?;
    let lines = text.lines().map(str::trim).enumerate();
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|(index, line)| {
            let place = format!("{}, line {}", place(), index + 1);
            let (site, secret) = line.split_once(char::is_whitespace).ok_or_else(|| {
                Failure::new(
                    ErrorCode::Validation,
                    format!("{place}: a line is an address and a token"),
                )
            })?;
            token(secret, site, &place)
        })
        .collect()
}

fn token(secret: &str, site: &str, place: &str) -> Result<Token> {
    let invalid = |why: &str| Failure::new(ErrorCode::Validation, format!("{place}: {why}"));
    let site = Url::parse(site).map_err(|_| invalid("the address is none"))?;
    Token::new(secret, &site).with_context(|| invalid("the token is not usable"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_a_line_for_each_forge_and_its_errors_show_no_token() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens");
        fs::write(
            &path,
            "# ours\nhttps://git.example.org SECRET1\n\nhttp://127.0.0.1:3000\tSECRET2\n",
        )
        .unwrap();
        assert_eq!(read_file(&path).unwrap().len(), 2);
        for bad in [
            "https://git.example.org",
            "SECRET https://x y",
            "https://a.example SEC RET",
        ] {
            fs::write(&path, bad).unwrap();
            let error = format!("{:?}", read_file(&path).unwrap_err());
            assert!(error.contains("line 1") && !error.contains("SEC"), "{error}");
        }
        assert!(read_file(&folder.path().join("none")).is_err());
    }
}
