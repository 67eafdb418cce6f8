//! Indexes that were made by other parameters.

use codelupe_catalogue::ErrorKind;
use codelupe_core::LshParameters;

use super::{Place, blobs, document, on_all, parameters};

on_all!(
    an_index_is_there_again_when_it_is_opened_again,
    other_parameters_are_refused_and_both_are_shown,
    an_index_that_is_reset_takes_other_parameters,
);

async fn an_index_is_there_again_when_it_is_opened_again(place: Place) {
    assert_eq!(place.stored_parameters().await, None);
    let index = place.open().await;
    assert_eq!(index.parameters(), &parameters());
    index.insert(&[document(1, &[1, 2, 3])]).await.unwrap();
    let before = index.documents().await.unwrap();
    drop(index);
    let again = place.open().await.documents().await.unwrap();
    if place.persists() {
        assert_eq!(again, before);
        assert_eq!(place.stored_parameters().await, Some(parameters()));
    } else {
        assert_eq!((again, place.stored_parameters().await), (Vec::new(), None));
    }
}

async fn other_parameters_are_refused_and_both_are_shown(place: Place) {
    place.open().await;
    let others = [
        LshParameters {
            scheme: "scheme-2".to_owned(),
            ..parameters()
        },
        LshParameters {
            recipe: "another".to_owned(),
            ..parameters()
        },
        LshParameters {
            shingle_tokens: 7,
            ..parameters()
        },
        LshParameters {
            permutations: 12,
            ..parameters()
        },
        LshParameters {
            bands: 2,
            ..parameters()
        },
        LshParameters {
            rows: 1,
            ..parameters()
        },
    ];
    for other in others {
        let opened = place.open_with(&other).await;
        if place.persists() {
            let error = opened.unwrap_err();
            let text = error.to_string();
            assert_eq!(error.kind(), ErrorKind::LshParameters, "{text}");
            assert!(text.contains(&parameters().to_string()), "{text}");
            assert!(text.contains(&other.to_string()), "{text}");
        } else {
            assert_eq!(opened.unwrap().parameters(), &other);
        }
    }
}

async fn an_index_that_is_reset_takes_other_parameters(place: Place) {
    place.reset().await;
    let index = place.open().await;
    index.insert(&[document(1, &[1, 2, 3])]).await.unwrap();
    index.remember(0.7, &[]).await.unwrap();
    drop(index);
    place.reset().await;
    assert_eq!(place.stored_parameters().await, None);
    let other = LshParameters {
        bands: 2,
        ..parameters()
    };
    let index = place.open_with(&other).await.unwrap();
    assert_eq!(blobs(&*index).await, []);
    assert_eq!(index.insert(&[document(1, &[1, 2])]).await.unwrap(), 1);
}
