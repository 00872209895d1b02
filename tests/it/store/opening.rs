//! Opening a database, and who may hold it.

use crate::world::both;
use rollcall::id::OrganizationId;

both! {
    async fn the_first_organization_is_number_one(world: World) {
        let first = world.store.organization_named("default", 7).await.unwrap();
        assert_eq!((first.id, first.slug.as_str()), (OrganizationId(1), "default"));
        let again = world.store.organization_named("default", 8).await.unwrap();
        assert_eq!(again, first);
        let second = world.store.organization_named("zylker", 9).await.unwrap();
        assert_eq!(second.id, OrganizationId(2));
        assert_eq!(world.store.organizations().await.unwrap(), [first, second]);
    }
}
