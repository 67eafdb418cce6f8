//! Texts and bytes that no sane repository has.

use codelupe_core::{Language, Reason, SpdxExpression};

use crate::rows::{RECIPE, batch, dropped, file, named_key, repository};
use crate::world::{World, file_id, on_both};

on_both!(
    any_bytes_are_a_path,
    any_text_is_a_name_a_detail_or_a_message,
    a_quote_is_no_way_out,
    names_that_differ_in_little_are_different,
);

async fn any_bytes_are_a_path(world: World) {
    let catalogue = world.catalogue().await;
    let mut row = repository("a", &[]);
    let paths: Vec<Vec<u8>> = (0..=255u8)
        .map(|byte| vec![b'p', byte])
        .chain([vec![0xff; 4096], Vec::new()])
        .collect();
    row.files
        .extend(paths.iter().map(|path| dropped(path, Reason::BadPath, None)));
    catalogue.commit(&batch(&[], vec![row]), RECIPE, None).await.unwrap();
    for path in &paths {
        let story = catalogue.file_story(&[b"a/", path.as_slice()].concat()).await.unwrap();
        assert_eq!(&story.path, path);
    }
}

async fn any_text_is_a_name_a_detail_or_a_message(world: World) {
    let catalogue = world.catalogue().await;
    for (n, odd) in [
        "\0",
        "a\0b",
        "\u{fffd}",
        "\u{1b}[31m",
        "ä\u{301}\u{10ffff}",
        "",
        " ",
        "'\"`;--",
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("r{n}");
        let mut row = repository(&name, &[]);
        row.location = format!("{name}{odd}");
        row.license = Some(SpdxExpression::new(odd));
        odd.clone_into(&mut row.license_evidence);
        for field in [
            &mut row.repository.forge,
            &mut row.repository.origin,
            &mut row.repository.family,
            &mut row.repository.revision,
        ] {
            odd.clone_into(field);
        }
        row.repository.commit = Some(odd.to_owned());
        row.files.push(dropped(b"dropped", Reason::Unreadable, Some(odd)));
        row.files.push(file(b"kept", named_key(&name, odd)));
        let mut whole = batch(&[&name], vec![row.clone()]);
        whole.contents[0].key = named_key(&name, odd);
        whole.contents[0].language = Some(Language::named(odd.to_owned()));
        catalogue.commit(&whole, RECIPE, None).await.unwrap();

        let known = catalogue
            .known_contents(&[named_key(&name, odd)], RECIPE)
            .await
            .unwrap();
        assert!(known.contains(&named_key(&name, odd)), "{odd:?}");
        // PostgreSQL cannot hold NUL in a text.
        let stored = if world.is_sqlite() {
            odd.to_owned()
        } else {
            odd.replace('\0', "\u{fffd}")
        };
        let story = catalogue
            .file_story(format!("{name}/dropped").as_bytes())
            .await
            .unwrap();
        assert_eq!(
            (story.detail.as_deref(), story.license.as_deref()),
            (Some(stored.as_str()), Some(stored.as_str()))
        );
        assert_eq!(
            (&story.license_evidence, &story.forge, story.commit.as_ref()),
            (&stored, &stored, Some(&stored))
        );
        assert_eq!(
            catalogue
                .file_story(format!("{name}/kept").as_bytes())
                .await
                .unwrap()
                .content
                .unwrap()
                .language,
            Some(stored.clone())
        );

        row.error = Some(("corrupt_input".to_owned(), odd.to_owned()));
        catalogue.commit(&batch(&[], vec![row]), RECIPE, None).await.unwrap();
        let failed = catalogue.stats().await.unwrap().failed;
        assert!(
            failed
                .iter()
                .any(|failed| failed.name == name && failed.error_message == stored),
            "{failed:?}"
        );
    }
    assert_eq!(catalogue.stats().await.unwrap().failed.len(), 8);
}

async fn a_quote_is_no_way_out(world: World) {
    let catalogue = world.catalogue().await;
    let evil = "x'; DROP TABLE files; --";
    catalogue
        .commit(&batch(&["one"], vec![repository(evil, &[(evil, "one")])]), evil, None)
        .await
        .unwrap();
    assert!(catalogue.file_story(format!("{evil}/{evil}").as_bytes()).await.is_ok());
    assert_eq!(catalogue.finished_repositories(evil, &[evil]).await.unwrap().len(), 1);
    assert_eq!(catalogue.stage_state(evil).await.unwrap(), None);
    assert!(catalogue.build(evil).await.unwrap().is_none());
    catalogue.forget_unused_contents(evil).await.unwrap();
    assert_eq!(catalogue.stats().await.unwrap().funnel.found.files, 2);
}

async fn names_that_differ_in_little_are_different(world: World) {
    let catalogue = world.catalogue().await;
    // Case, a combining accent, a sharp s, white space, a byte that no UTF-8 has.
    let names = ["straße", "STRASSE", "strasse", "e\u{301}", "é", "a b", "a\u{a0}b"];
    let rows = names.iter().map(|name| repository(name, &[("x.rs", "one")])).collect();
    catalogue.commit(&batch(&["one"], rows), RECIPE, None).await.unwrap();
    let mut paths = repository("paths", &[("A", "one"), ("a", "one"), ("a\u{fffd}", "one")]);
    paths.files.push(file(b"a\xff", crate::rows::key("one")));
    catalogue.commit(&batch(&[], vec![paths]), RECIPE, None).await.unwrap();
    let (candidates, _) = catalogue.build_candidates().await.unwrap();
    assert_eq!(candidates.len(), names.len() + 4);
    assert!(
        candidates.is_sorted_by(|a, b| (&a.repository, &a.path) < (&b.repository, &b.path)),
        "byte by byte"
    );
    let (valid, not) = (
        file_id(&catalogue, "paths", "a\u{fffd}".as_bytes()).await,
        file_id(&catalogue, "paths", b"a\xff").await,
    );
    assert_ne!(valid, not);
}
