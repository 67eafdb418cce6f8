//! From repositories that were found to those that a job names, and back.

use codelupe_forge::{Found, Kind, Located, Remote};
use codelupe_worker::{LocalKind, RepositoryPlace};

/// How a job names a repository.
pub(crate) fn place(found: &Found) -> RepositoryPlace {
    match found.clone() {
        Found::Local(Located { name, path, kind }) => RepositoryPlace::Local {
            name,
            kind: match kind {
                Kind::Git => LocalKind::Git,
                Kind::Folder => LocalKind::Folder,
                Kind::Crate => LocalKind::Crate,
            },
            path: path.as_path().into(),
        },
        Found::Remote(Remote {
            name,
            url,
            family,
            stars,
            fork,
        }) => RepositoryPlace::Remote {
            name,
            url,
            family,
            stars,
            fork,
        },
    }
}

/// The repository that a job names.
pub(crate) fn found(place: RepositoryPlace) -> Found {
    match place {
        RepositoryPlace::Local { name, kind, path } => Found::Local(Located {
            name,
            path: path.into(),
            kind: match kind {
                LocalKind::Git => Kind::Git,
                LocalKind::Folder => Kind::Folder,
                LocalKind::Crate => Kind::Crate,
            },
        }),
        RepositoryPlace::Remote {
            name,
            url,
            family,
            stars,
            fork,
        } => Found::Remote(Remote {
            name,
            url,
            family,
            stars,
            fork,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_survives_the_queue() {
        let remote = Remote::at("https://git.example.org/a/b.git").unwrap();
        let local = |kind| {
            Found::Local(Located {
                name: "a/b".parse().unwrap(),
                path: "/plain/path".into(),
                kind,
            })
        };
        for repository in [
            local(Kind::Git),
            local(Kind::Folder),
            local(Kind::Crate),
            Found::Remote(remote),
        ] {
            let text = serde_json::to_string(&place(&repository)).unwrap();
            assert_eq!(found(serde_json::from_str(&text).unwrap()), repository);
        }
    }
}
