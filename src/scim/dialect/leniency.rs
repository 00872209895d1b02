//! The table of leniencies.
//!
//! A row reads: what is forgiven (the doc comment), its name in the code and for people, the
//! dialects that forgive it, what happens to a client that is not forgiven it, and why it is there.

use super::Dialect;

macro_rules! leniencies {
    ($(
        $(#[doc = $sentence:literal])+
        $name:ident $text:literal [ $( $dialect:ident )+ ] $otherwise:literal, $why:literal;
    )+) => {
        /// One thing that a client is forgiven.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Leniency {
            $( $(#[doc = $sentence])+ $name, )+
        }

        impl Leniency {
            /// Every leniency, in the order of the page.
            pub const ALL: &[Self] = &[ $( Self::$name, )+ ];

            /// Its name, as counters and `docs/dialects.md` have it.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$name => $text, )+ }
            }

            /// What is forgiven.
            pub const fn sentence(self) -> &'static str {
                match self { $( Self::$name => concat!($( $sentence ),+), )+ }.trim_ascii_start()
            }

            /// Who forgives it.
            pub const fn dialects(self) -> &'static [Dialect] {
                match self { $( Self::$name => &[ $( Dialect::$dialect ),+ ], )+ }
            }

            /// What happens to a client that is not forgiven it.
            pub const fn otherwise(self) -> &'static str {
                match self { $( Self::$name => $otherwise, )+ }
            }

            /// Why it is there: who does so, or where the RFC leaves it open.
            pub const fn why(self) -> &'static str {
                match self { $( Self::$name => $why, )+ }
            }
        }
    };
}

leniencies! {
    /// The `op` of a PATCH operation and `sortOrder` in any case: `Replace`.
    KeywordCase "keyword-case" [Standard Okta Entra]
        "400 `invalidSyntax` (`op`), `invalidValue` (`sortOrder`)",
        "Entra ID writes `Add`, `Remove` and `Replace`.";
    /// `"True"` and `"False"` where a boolean belongs, in bodies and in filters.
    BooleanText "boolean-text" [Standard Okta Entra]
        "400 `invalidValue`, `invalidFilter` in a filter",
        "Entra ID sends `\"active\": \"False\"` and `roles[primary eq \"True\"]`.";
    /// `True`, `FALSE` and `NULL` in a filter, where JSON has them in small letters.
    LiteralCase "literal-case" [Standard Okta Entra]
        "400 `invalidFilter`",
        "Scripts in Python and PowerShell.";
    /// A value of a filter without quotes: `externalId eq jyoung`.
    UnquotedText "unquoted-text" [Entra]
        "400 `invalidFilter`",
        "It contradicts the grammar. Entra ID's documentation writes so, and so does an example of \
         RFC 7644 §3.4.2.1.";
    /// A comparison of a part behind the brackets, `emails[type eq "work"].value eq "x"`, is one
    /// of the conditions in them.
    PartAfterBrackets "part-after-brackets" [Standard Okta Entra]
        "400 `invalidFilter`",
        "Entra ID matches by such filters.";
    /// Fewer or more white space in filters and paths than the grammar of RFC 7644 §3.4.2.2 has.
    Spacing "spacing" [Standard Okta Entra]
        "400 `invalidFilter`, `invalidPath` in a path",
        "Filters that people write.";
    /// An attribute of an extension without its URN, where only one extension has it: `manager`.
    UnqualifiedNames "unqualified-names" [Standard Okta Entra]
        "400 `invalidFilter`, `invalidPath` in a path",
        "RFC 7644 §3.10 asks for the URN with SHOULD. Entra ID filters by `manager`.";
    /// `attributes` and `excludedAttributes` may name what no schema defines; an answer without it
    /// is right.
    UnknownProjected "unknown-projected" [Standard Okta Entra]
        "400 `invalidValue`",
        "Clients ask every server for the same attributes.";
    /// A value path in `attributes` and `excludedAttributes` names the whole attribute:
    /// `emails[type eq "work"]`.
    ProjectedElements "projected-elements" [Standard Okta Entra]
        "400 `invalidValue`",
        "Microsoft's tests ask so; to answer without the attribute would be to ignore the question.";
    /// A bare text for a single complex attribute with a `value`: `"manager": "id"`.
    BareComplex "bare-complex" [Standard Okta Entra]
        "400 `invalidValue`",
        "Entra ID sends the manager so.";
    /// A member of a group as its bare id: `"members": ["id"]`.
    BareMembers "bare-members" [Entra]
        "400 `invalidValue`",
        "Microsoft's tests send `\"value\": \"id\"` on the path `members`.";
    /// One object where an array of them belongs: `"emails": {"value": "a@b.c"}`.
    OneForMany "one-for-many" [Standard Okta Entra]
        "400 `invalidValue`",
        "OneLogin sends one e-mail so.";
    /// An array of one where a single complex attribute with a `value` belongs:
    /// `"manager": [{"value": "id"}]`.
    ManyForOne "many-for-one" [Standard Okta Entra]
        "400 `invalidValue`",
        "Entra ID sends the manager so.";
    /// `{"value": ""}` for a single complex attribute clears it.
    EmptyVacates "empty-vacates" [Standard Okta Entra]
        "The empty text is stored.",
        "Entra ID removes a manager so.";
    /// Binary values in the URL-safe alphabet of base64 (RFC 4648 §5); they are kept in the other.
    UrlSafeBinary "url-safe-binary" [Standard Okta Entra]
        "400 `invalidValue`",
        "RFC 7643 §2.3.6 leaves it to the definition of the attribute.";
    /// A resource without `schemas`, or without the URN of its base schema in it.
    MissingSchemas "missing-schemas" [Standard Okta Entra]
        "400 `invalidSyntax`",
        "The address says it already.";
    /// A PATCH without `schemas`.
    MissingMessageSchemas "missing-message-schemas" [Okta Entra]
        "400 `invalidSyntax`",
        "It contradicts RFC 7644 §3.5.2. Older versions of both leave it out.";
    /// URNs in `schemas` that the resource type does not have are ignored.
    ForeignSchemas "foreign-schemas" [Standard Okta Entra]
        "400 `invalidValue`",
        "Entra ID adds URNs of its own to groups.";
    /// A URN twice in `schemas`.
    RepeatedSchemas "repeated-schemas" [Standard Okta Entra]
        "400 `invalidSyntax` (RFC 7643 §3)",
        "It does no harm.";
    /// An extension in a body whose URN is not in `schemas`.
    UnannouncedExtensions "unannounced-extensions" [Standard Okta Entra]
        "400 `invalidSyntax`",
        "Clients that list the base schema alone.";
    /// Attributes in a body that no schema defines are ignored.
    UnknownAttributes "unknown-attributes" [Standard Okta Entra]
        "400 `invalidSyntax`",
        "Clients send every attribute they know to every server.";
    /// Members of a message (PatchOp, its operations, SearchRequest) that the RFC does not define
    /// are ignored.
    UnknownMembers "unknown-members" [Standard Okta Entra]
        "400 `invalidSyntax`",
        "Identity providers add members of their own.";
    /// Keys of a path-less value may be paths: `{"name.givenName": "x"}`.
    DottedKeys "dotted-keys" [Standard Okta Entra]
        "400 `invalidSyntax`",
        "Entra ID with `aadOptscim062020`.";
    /// Read-only attributes in a path-less value are ignored. (`meta` always is, RFC 7643 §3.1, and
    /// another `id` is always refused.)
    ReadOnlyInValue "read-only-in-value" [Okta Entra]
        "400 `mutability`",
        "It contradicts RFC 7644 §3.5.2. Clients send back whole resources.";
    /// `add` on a value path that matches no element creates the element that the path describes.
    AddCreatesElement "add-creates-element" [Standard Okta Entra]
        "400 `noTarget`",
        "Entra ID adds `emails[type eq \"work\"].value` to people without e-mail.";
    /// `replace` on a value path that matches no element creates the element.
    ReplaceCreatesElement "replace-creates-element" [Entra]
        "400 `noTarget`",
        "It contradicts RFC 7644 §3.5.2.3. Entra ID replaces what is not there yet.";
    /// `remove` with a value: of a multi-valued attribute only the elements listed go. Elsewhere the
    /// value says nothing.
    RemoveListed "remove-listed" [Standard Okta Entra]
        "400 `invalidSyntax`",
        "Entra ID, JumpCloud and others remove members so. To ignore the list would empty the group.";
    /// `remove` on a value path that matches no element changes nothing.
    RemoveMissing "remove-missing" [Okta Entra]
        "400 `noTarget` (members of groups excepted)",
        "It contradicts RFC 7644 §3.12 table 9. Both repeat what they have removed already.";
    /// `"members": null` says nothing of the members.
    NullMembers "null-members" [Standard Okta Entra]
        "The group is emptied.",
        "Null and absence are one state (RFC 7643 §2.5), and absence keeps the members. A rename must \
         not empty a group.";
    /// A PUT without `members` says nothing of the members.
    KeptMembers "kept-members" [Standard Okta Entra]
        "The group is emptied, as RFC 7644 §3.5.1 allows.",
        "A rename must not empty a group.";
    /// A PUT without `active` leaves it as it is.
    KeptActive "kept-active" [Standard Okta Entra]
        "The person is active, which is the default that RFC 7644 §3.5.1 allows.",
        "Whoever is switched off is not switched on by a body that does not speak of it.";
    /// Members that name nobody are left out of a group.
    DanglingMembers "dangling-members" [Okta Entra]
        "400 `invalidValue` with the id",
        "A group is pushed again after one of its people was deleted here; to refuse the whole group \
         would keep everybody else out of it.";
    /// ServiceProviderConfig is told without `pagination` (RFC 9865 §4). This is a habit, not a leniency.
    PlainConfig "plain-config" [Okta Entra]
        "`pagination` is told.",
        "Clients whose library knows RFC 7643 alone refuse what it does not define. These page by index.";
    /// PATCH is answered 204, without the resource. This is a habit, not a leniency; RFC 7644 §3.5.2
    /// leaves the choice.
    QuietPatch "quiet-patch" [Entra]
        "200 with the resource; 204 for a group with many members.",
        "Microsoft recommends it for groups, and its tests expect it of users too.";
    /// The `displayName` of a group is unique. This is a demand, not a leniency, and is not counted: a
    /// second group of the name is refused with 409 `uniqueness`.
    UniqueGroupName "unique-group-name" [Entra]
        "Several groups may have one name.",
        "Entra ID looks groups up by name, and its validator asks for the refusal.";
}

impl Leniency {
    /// By its name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|leniency| leniency.name() == name)
    }
}
