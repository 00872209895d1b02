//! Bodies of `/.search`: nothing panics; a query has bounds; asked of all types at once, it is
//! asked of each as if it were asked of that one alone.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use rollcall_fuzz::scim::dialect::{Dialect, Reading};
use rollcall_fuzz::scim::list::{MAX_COUNT, Paging, Parameters, Search};
use rollcall_fuzz::{REGISTRY, body, is_told, mutate};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::body(data, size, max_size, seed)
});

fuzz_target!(|bytes: &[u8]| {
    let Some(body) = body(bytes) else { return };
    let Ok(parameters) = serde_json::from_value::<Parameters>(body) else { return };
    for dialect in Dialect::ALL {
        let reading = || Reading::new(dialect);
        let kinds = &REGISTRY.resource_types;
        let all = Search::of_all(kinds, &parameters, &reading()).inspect_err(is_told);
        for (at, kind) in kinds.iter().enumerate() {
            let Ok(one) = Search::of_type(kind, &parameters, &reading()).inspect_err(is_told)
            else {
                continue;
            };
            assert!(one.count() <= MAX_COUNT);
            if let Paging::Index { start_index, .. } = one.page {
                assert!(start_index >= 1);
            }
            let all = all.as_ref().expect("right for one of them");
            assert_eq!((&all.page, all.sorted), (&one.page, one.sorted));
            assert_eq!(all.parts[at..=at], one.parts[..]);
        }
    }
});
