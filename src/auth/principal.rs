//! The caller, once known.

use crate::id::{OrganizationId, ResourceId};
use crate::store::clients::Client;

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Reading users and groups over SCIM.
    ScimRead,
    /// Reading and writing users and groups over SCIM.
    ScimWrite,
    /// Reading and changing, over SCIM, the person for whom the token speaks; nobody else.
    ScimMe,
    /// Reading the admin API.
    Audit,
    /// Reading and changing everything in the admin API; nothing over SCIM.
    Admin,
}

impl Scope {
    /// Every scope, as help texts list them.
    pub const ALL: [Self; 5] =
        [Self::ScimRead, Self::ScimWrite, Self::ScimMe, Self::Audit, Self::Admin];

    /// As it is written on the command line and stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ScimRead => "scim.read",
            Self::ScimWrite => "scim.write",
            Self::ScimMe => "scim.me",
            Self::Audit => "audit",
            Self::Admin => "admin",
        }
    }

    /// By its name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }

    /// Whether holding this scope is as good as holding `wanted`.
    pub fn implies(self, wanted: Self) -> bool {
        self == wanted
            || matches!(
                (self, wanted),
                (Self::ScimWrite, Self::ScimRead) | (Self::Admin, Self::Audit)
            )
    }
}

/// A caller: whose rows they see, as which client, and what they may do.
#[derive(Debug, Clone, PartialEq)]
pub struct Principal {
    /// Whose rows.
    pub organization: OrganizationId,
    /// The client that holds the token.
    pub client: Client,
    /// What the token allows.
    pub scopes: Vec<Scope>,
    /// The person for whom the token speaks.
    pub subject: Option<ResourceId>,
}

impl Principal {
    /// Whether the caller may do what needs this scope.
    pub fn may(&self, wanted: Scope) -> bool {
        self.scopes.iter().any(|scope| scope.implies(wanted))
    }

    /// The caller as changes and the audit log name them: `client:okta`.
    pub fn actor(&self) -> String {
        format!("client:{}", self.client.name)
    }
}

#[cfg(test)]
mod tests {
    use super::Scope;

    #[test]
    fn writing_implies_reading_and_administration_implies_audit_only() {
        let implied = |scope: Scope| {
            Scope::ALL.into_iter().filter(|wanted| scope.implies(*wanted)).collect::<Vec<_>>()
        };
        assert_eq!(implied(Scope::ScimRead), [Scope::ScimRead]);
        assert_eq!(implied(Scope::ScimWrite), [Scope::ScimRead, Scope::ScimWrite]);
        assert_eq!(implied(Scope::Audit), [Scope::Audit]);
        assert_eq!(implied(Scope::Admin), [Scope::Audit, Scope::Admin]);
    }

    #[test]
    fn names_are_read_back() {
        for scope in Scope::ALL {
            assert_eq!(Scope::named(scope.as_str()), Some(scope));
        }
        assert_eq!(Scope::named("scim"), None);
    }
}
