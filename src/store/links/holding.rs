//! Whose an account is, where people say so: given to somebody, left alone, looked for anew.

use super::LinkRow;
use crate::id::{AppId, ResourceId};
use crate::store::connection::Id;
use crate::store::sql::Sql;
use crate::store::{Reader, Result, Transaction};

impl Reader<'_> {
    /// The link to an object of the app, whoever has it.
    pub fn link_to(&mut self, app: AppId, kind: &str, remote_id: &str) -> Result<Option<LinkRow>> {
        let mut sql = self.links_where(app);
        sql.push(" AND l.kind = ").bind(kind).push(" AND l.remote_id = ").bind(remote_id);
        Ok(self.load_links(sql)?.into_iter().next())
    }
}

impl Transaction<'_> {
    /// Writes a link as if there had been none: what the app was seen to hold is forgotten too.
    ///
    /// # Errors
    /// [`crate::store::Error::Taken`] when the app's object belongs to another resource.
    pub fn replace_link(&mut self, link: &LinkRow) -> Result<()> {
        let mut sql = Sql::new("DELETE FROM link WHERE organization = ");
        sql.bind(self.organization).push(" AND app_id = ").bind(link.app);
        sql.push(" AND resource_id = ").bind(link.resource);
        sql.execute(self.conn)?;
        self.put_link(link)
    }

    /// Forgets in which of the app's groups a member was put with an account that is no longer
    /// followed, so that another account takes its place there. Answers the groups that the member
    /// left since: they are not forgotten, as the old account is still to be taken out of them.
    pub fn forget_memberships(
        &mut self,
        app: AppId,
        member: ResourceId,
    ) -> Result<Vec<ResourceId>> {
        let mut sql = Sql::new("DELETE FROM link_member WHERE organization = ");
        sql.bind(self.organization).push(" AND app_id = ").bind(app);
        sql.push(" AND member_id = ").bind(member);
        sql.push(
            " AND (EXISTS (SELECT 1 FROM member m WHERE m.organization = link_member.organization \
             AND m.group_id = link_member.group_id AND m.member_id = link_member.member_id) \
             OR NOT EXISTS (SELECT 1 FROM member_push p \
             WHERE p.organization = link_member.organization AND p.app_id = link_member.app_id \
             AND p.group_id = link_member.group_id AND p.member_id = link_member.member_id))",
        );
        sql.execute(self.conn)?;
        let mut left = Sql::new("SELECT group_id FROM link_member WHERE organization = ");
        left.bind(self.organization).push(" AND app_id = ").bind(app);
        left.push(" AND member_id = ").bind(member).push(" ORDER BY group_id");
        let groups: Vec<(ResourceId,)> = left.load::<(Id,), _>(self.conn)?;
        Ok(groups.into_iter().map(|(group,)| group).collect())
    }
}
