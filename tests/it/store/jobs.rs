//! Work that is due, and who has it.

use crate::world::{NOW, ORG, both, new_id};
use rollcall::id::ResourceId;
use rollcall::store::jobs::Priority;

both! {
    /// PostgreSQL found others for each row that it looked at, and one claim took them all.
    async fn a_claim_takes_no_more_than_was_asked_for(world: World) {
        let app = world.app("App").await;
        let people: Vec<ResourceId> = (0..40).map(|_| new_id()).collect();
        world.store.write(ORG, move |t| {
            let due: Vec<_> = people.iter().map(|id| (*id, "User", Priority::User)).collect();
            t.mark_due(app, &due, NOW)
        }).await.unwrap();
        for (limit, taken) in [(1, 1), (1, 1), (2, 2), (5, 5), (40, 31), (1, 0)] {
            let claimed = world
                .store
                .write(ORG, move |t| t.claim_jobs(app, NOW, limit, NOW + 1, false))
                .await
                .unwrap();
            assert_eq!(claimed.len(), taken);
        }
    }
}
