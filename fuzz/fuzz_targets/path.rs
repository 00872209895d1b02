//! Paths: no text panics, what is read prints to what reads the same, and the canonical name of a
//! place is a path to it.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use rollcall_fuzz::scim::filter;
use rollcall_fuzz::scim::path::{self, Path};
use rollcall_fuzz::scim::projection::Projection;
use rollcall_fuzz::{REGISTRY, documents, is_told, mutate};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::path(data, size, max_size, seed)
});

fuzz_target!(|text: &str| {
    match path::attribute(text) {
        Ok(attribute) => {
            assert_eq!(path::attribute(&attribute.to_string()), Ok(attribute.clone()));
            for kind in &REGISTRY.resource_types {
                let Some(place) = kind.place(&attribute) else { continue };
                let canonical = path::attribute(&place.key()).expect("is a path");
                assert_eq!(kind.place(&canonical).map(|place| place.key()), Some(place.key()));
            }
        }
        Err(error) => is_told(&error),
    }
    for kind in &REGISTRY.resource_types {
        match path::parse(kind, text) {
            Ok(read) => {
                let printed = read.to_string();
                match path::parse(kind, &printed) {
                    Ok(again) => assert_eq!(again, read, "{printed}"),
                    // Printing can make the filter in it longer or deeper than what is accepted.
                    Err(error) => assert!(
                        matches!(read, Path::Elements { .. })
                            && (printed.len() > filter::MAX_LENGTH
                                || error.to_string().contains("nested deeper")),
                        "{printed}: {error}"
                    ),
                }
            }
            Err(error) => is_told(&error),
        }
        // What is asked for is a part of what there is; asking twice is asking once.
        for (only, except) in [(Some(text), None), (None, Some(text))] {
            let projection = Projection::parse(kind, only, except).expect("one of the two");
            for whole in documents(kind) {
                let mut part = whole.clone();
                projection.apply(kind, &mut part);
                assert!(part.keys().all(|name| whole.contains_key(name)));
                let mut again = part.clone();
                projection.apply(kind, &mut again);
                assert_eq!(again, part);
            }
        }
    }
});
