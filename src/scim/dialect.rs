//! What a client is forgiven: named leniencies, collected into dialects.
//!
//! A dialect belongs to a client and is never guessed. `Standard` is the RFC plus every leniency
//! that does not contradict it.

/// Which way of speaking SCIM a client has.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// The RFC plus what does not contradict it.
    #[default]
    Standard,
    /// The RFC alone.
    Strict,
    /// Microsoft Entra ID.
    Entra,
    /// Okta.
    Okta,
}

/// One thing that a client is forgiven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Leniency {
    /// PATCH `op` in any case: `Replace`.
    OperationCase,
    /// `"True"` and `"False"` where a boolean belongs.
    BooleanText,
    /// `"manager": "id"` and a bare string for any complex attribute with a `value` part.
    BareComplex,
    /// One value where an array belongs, an array of one where one value belongs.
    ArrayShape,
    /// Read-only attributes and `schemas` in the value of a path-less operation are ignored.
    ReadOnlyInValue,
    /// `remove` on a value path that matches no element changes nothing. Contradicts the RFC.
    RemoveMissing,
    /// `add` on a value path that matches no element creates the element.
    AddCreatesElement,
    /// `replace` on a value path that matches no element creates the element. Contradicts the RFC.
    ReplaceCreatesElement,
    /// `remove` of `members` with a value array removes only those listed.
    RemoveListed,
    /// Dotted and URN-qualified keys in a path-less value: `{"name.givenName": "x"}`.
    DottedKeys,
    /// A body without `schemas`, or without the base schema in it.
    MissingSchemas,
    /// URNs in `schemas` that the resource type does not have are ignored.
    ForeignSchemas,
    /// Attributes that no schema defines are ignored instead of refused.
    UnknownAttributes,
    /// Group `displayName` is unique. Contradicts the RFC.
    UniqueGroupName,
}

impl Dialect {
    /// Whether this dialect forgives that.
    pub fn forgives(self, leniency: Leniency) -> bool {
        use Leniency as L;
        match self {
            Self::Strict => false,
            Self::Standard => !matches!(
                leniency,
                L::ReplaceCreatesElement | L::UniqueGroupName | L::RemoveMissing
            ),
            Self::Okta => !matches!(leniency, L::ReplaceCreatesElement | L::UniqueGroupName),
            Self::Entra => true,
        }
    }

    /// By its name in configuration and on the command line.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "standard" => Some(Self::Standard),
            "strict" => Some(Self::Strict),
            "entra" => Some(Self::Entra),
            "okta" => Some(Self::Okta),
            _ => None,
        }
    }

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Strict => "strict",
            Self::Entra => "entra",
            Self::Okta => "okta",
        }
    }
}
