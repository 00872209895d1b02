//! The table of errors.
//!
//! A row reads: when it happens (the doc comment), its name and what goes into its sentence, its
//! status and keyword, the sentence, and what the client's operator does about it.

use super::{Clause, ScimType};
use std::fmt;

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Under which heading it stands.
    pub section: &'static str,
    /// Its name in the code.
    pub name: &'static str,
    /// HTTP status.
    pub status: u16,
    /// Keyword, where the RFC defines one.
    pub scim_type: Option<ScimType>,
    /// The sentence, with names in braces where something is filled in.
    pub sentence: &'static str,
    /// When it happens.
    pub when: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

const fn only(list: &[ScimType]) -> Option<ScimType> {
    match list {
        [one] => Some(*one),
        _ => None,
    }
}

macro_rules! faults {
    ($( section $section:literal $(
        $(#[doc = $when:literal])+
        $name:ident $( { $( $field:ident : $type:ty ),+ } )?
            = $status:literal $( $scim_type:ident )?, $sentence:literal, $remedy:literal;
    )+ )+) => {
        /// What can be wrong, with what goes into the sentence.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Fault {
            $( $(
                $(#[doc = $when])+
                $name $( { $(
                    #[doc = concat!("`{", stringify!($field), "}` in the sentence.")]
                    $field: $type
                ),+ } )?,
            )+ )+
        }

        impl Fault {
            /// HTTP status.
            pub const fn status(&self) -> u16 {
                match self {
                    $( $( Self::$name { .. } => $status, )+ )+
                }
            }

            /// Keyword, where the RFC defines one.
            pub const fn scim_type(&self) -> Option<ScimType> {
                match self {
                    $( $( Self::$name { .. } => only(&[$( ScimType::$scim_type )?]), )+ )+
                }
            }
        }

        impl fmt::Display for Fault {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $( $( Self::$name $( { $( $field ),+ } )? => write!(f, $sentence), )+ )+
                }
            }
        }

        /// Every row, in the order of the page.
        pub const ROWS: &[Row] = &[ $( $( Row {
            section: $section,
            name: stringify!($name),
            status: $status,
            scim_type: only(&[$( ScimType::$scim_type )?]),
            sentence: $sentence,
            when: concat!($( $when ),+),
            remedy: $remedy,
        }, )+ )+ ];
    };
}

faults! {
section "Who asks"
    /// The request has no `Authorization` header.
    NoToken = 401,
        "this needs a bearer token: send the header `Authorization: Bearer <token>`",
        "Make a token with `rollcall token create` and give it to the client.";
    /// The `Authorization` header is of another scheme.
    OtherScheme = 401,
        "the Authorization header must be `Bearer <token>`: other schemes are not accepted",
        "Choose \"bearer token\", \"OAuth bearer token\" or \"HTTP header\" in the client.";
    /// No such token, or it was revoked, or its client was disabled.
    UnknownToken = 401,
        "the token is unknown or was revoked: make a new one and send that",
        "Make a new token; `rollcall token list` shows those that are good.";
    /// The token was made with `--expires-in`, and that time is over.
    ExpiredToken = 401,
        "the token has expired: make a new one and send that",
        "Make a new token.";
    /// The token's scopes do not allow the request.
    Scope { scope: &'static str } = 403,
        "this needs a token with the scope {scope}",
        "Make a token with that scope.";
    /// A token that allows no more than `scim.me` changes what people may not change of themselves.
    NotSelfService { name: String } = 403,
        "{name} is not for you to change: your administrator does",
        "People change their names, languages, numbers, pictures and addresses; the rest is the provider's.";
    /// The person for whom the token speaks is switched off.
    SwitchedOff = 403,
        "the person for whom this token speaks is switched off",
        "Switch the person on, or revoke the token.";
    /// The address names an organization, and the token is not of that one. It is answered as if
    /// the other did not exist.
    OtherOrganization = 404,
        "the token is of another organization than this address names",
        "Use the address without `/o/…`, or a token of that organization.";

section "Where to"
    /// No route has this address.
    NoRoute = 404,
        "there is nothing at this address: GET /scim/v2/ResourceTypes lists what is",
        "Check the base URL: it ends in `/scim/v2`.";
    /// The address names another version of the protocol than 2 (RFC 7644 §3.13).
    Version { version: String } = 400 InvalidVers,
        "version {version:?} is not spoken here: the base URL ends in /scim/v2",
        "Correct the base URL.";
    /// No resource of the type has the id.
    NotFound { kind: String, id: String } = 404,
        "no {kind} has the id {id:?}",
        "It was deleted, or it is of another type. Look it up by a filter and keep the id given.";
    /// The resource was deleted while the request was on its way.
    Gone = 404,
        "there is no such resource any more",
        "As for an unknown id.";
    /// The address takes other methods; `Allow` lists them.
    Method { method: String, allowed: String } = 405,
        "{method} is not for this address: use {allowed}",
        "Use one of those.";
    /// A discovery endpoint (`/Schemas`, `/ResourceTypes`, `/ServiceProviderConfig`) was given a
    /// filter (RFC 7644 §4).
    DiscoveryFilter = 403,
        "discovery endpoints take no filter: leave it out",
        "Leave the filter out.";
    /// `/Me` names a person, and this token speaks for none (RFC 7644 §3.11).
    Me = 501,
        "/Me is not supported for this token: it is a client's, and speaks for no person",
        "Find the person by a filter, or make a token for the person: `rollcall token create NAME --scope scim.me --user USERNAME`.";
    /// The resource is not in the state that the request makes a condition of (RFC 7644 §3.14).
    Stale = 412,
        "the resource is not in the state that If-Match or If-None-Match asks for: read it again",
        "Read the resource again, decide again, and send the new ETag.";

section "The body"
    /// The body has another media type.
    MediaType = 415,
        "send the body as application/scim+json or application/json",
        "Set `Content-Type: application/scim+json`.";
    /// The body is compressed.
    Encoding = 415,
        "send the body without a Content-Encoding",
        "Switch compression of requests off.";
    /// The body is larger than the server reads (`body_limit`).
    BodyTooLarge { limit: usize } = 413,
        "the body is larger than {limit} bytes: send it in parts",
        "Send members in several requests, or raise `body_limit`.";
    /// The connection ended before the body did.
    BodyCutShort = 400 InvalidSyntax,
        "the body ended too early",
        "Look for a proxy in between that cuts requests.";
    /// There is no body.
    NoBody = 400 InvalidSyntax,
        "the body is empty: send a JSON object",
        "Send a body.";
    /// The body is no JSON (RFC 8259).
    NotJson { why: String } = 400 InvalidSyntax,
        "the body is no JSON: {why}",
        "The sentence names line and column.";
    /// An object has the same key twice. One of the two would be lost.
    KeyTwice { name: String, line: usize, column: usize } = 400 InvalidSyntax,
        "the body has {name:?} twice in one object, at line {line} column {column}: send it once",
        "Send it once.";
    /// An object has a name twice, in different case: names have no case (RFC 7643 §2.1).
    NameTwice { name: String } = 400 InvalidSyntax,
        "{name} is given twice, in different case",
        "Send it once.";
    /// The body, or an operation, is JSON but no object.
    NotAnObject { what: String } = 400 InvalidSyntax,
        "{what} is a JSON object",
        "Send an object.";
    /// The body nests deeper than any resource does.
    TooDeep { most: usize } = 400 InvalidSyntax,
        "the body nests deeper than {most} levels",
        "Send the resource alone.";
    /// `schemas` is something else than an array of strings.
    SchemasShape = 400 InvalidSyntax,
        "schemas takes an array of URNs",
        "Send an array.";
    /// `schemas` lacks the URN of the resource or of the message.
    SchemasLack { urn: String } = 400 InvalidSyntax,
        "schemas must hold {urn}",
        "Add it.";
    /// `schemas` has a URN twice.
    SchemaTwice { urn: String } = 400 InvalidSyntax,
        "schemas holds {urn} twice",
        "Send it once.";
    /// `schemas` names a schema that the resource type does not have.
    ForeignSchema { kind: String, urn: String } = 400 InvalidValue,
        "schemas: {kind} has no schema {urn:?}",
        "Leave it out, or define the schema.";
    /// A name that no schema of the resource type defines.
    UnknownAttribute { name: String, holder: String } = 400 InvalidSyntax,
        "{name:?} is no attribute of {holder}",
        "Leave it out, or add it to a schema: `/Schemas` lists what there is.";
    /// A sub-attribute that no schema defines.
    UnknownPart { name: String, part: String } = 400 InvalidSyntax,
        "{name} has no part {part:?}",
        "Leave it out.";
    /// A member of a message (PatchOp, SearchRequest) that the RFC does not define.
    UnknownMember { message: &'static str, name: String } = 400 InvalidSyntax,
        "{name:?} is no member of {message}",
        "Leave it out.";

section "Values"
    /// A value of another type than the attribute's (RFC 7643 §2.3).
    WrongType { name: String, what: &'static str } = 400 InvalidValue,
        "{name} takes {what}",
        "Send a value of that type; `/Schemas` says which type each attribute has.";
    /// An array where one value belongs.
    NotOne { name: String } = 400 InvalidValue,
        "{name} takes one value, not an array",
        "Send the value without the array.";
    /// One value where an array belongs.
    NotAnArray { name: String } = 400 InvalidValue,
        "{name} takes an array",
        "Put the value into an array.";
    /// A required attribute is absent, null, empty or blank (RFC 7643 §7).
    Required { name: String } = 400 InvalidValue,
        "{name} is required and must not be empty",
        "Send it. In the client, map it to a field that everybody has.";
    /// More elements than one attribute may have. Members of groups have no such limit.
    TooManyElements { name: String, most: usize } = 400 InvalidValue,
        "{name} takes at most {most} elements",
        "Send fewer.";
    /// Two elements of one attribute say that they are the primary one (RFC 7643 §2.4).
    SeveralPrimary { name: String } = 400 InvalidValue,
        "{name}: only one element may be primary",
        "Decide on one.";
    /// A text with a NUL character, which no database keeps.
    Nul { name: String } = 400 InvalidValue,
        "{name} must not hold U+0000",
        "Remove the character at its source.";
    /// A name that people type holds a control character (RFC 8265 §3.3).
    ControlCharacter { name: String } = 400 InvalidValue,
        "{name} must not hold control characters",
        "Remove the character at its source: a tab or a line break, most often.";
    /// A text longer than the server keeps.
    TooLong { name: String, most: usize } = 400 InvalidValue,
        "{name} is longer than {most} bytes",
        "Shorten it.";
    /// A text that no index can hold.
    Unfit { name: String } = 400 InvalidValue,
        "{name} holds a value that cannot be kept (a NUL character?): change it",
        "Change it at its source.";
    /// A member of a group without the id that says who it is.
    MemberWithoutValue { name: String } = 400 InvalidValue,
        "{name}: each member needs a value, the id of a User or a Group",
        "Send the id that the server gave.";
    /// A member of a group that is nobody.
    Dangling { id: String } = 400 InvalidValue,
        "members: no User or Group has the id {id:?}",
        "Push the person first, or look the id up again.";
    /// A nesting of groups that would come round to itself.
    Cycle { group: String } = 400 InvalidValue,
        "members: the group {group} cannot be a member here, because this group is in it",
        "Take one of the two nestings away.";
    /// Another resource has a value that must be unique, such as `userName`.
    Taken { attribute: String } = 409 Uniqueness,
        "another resource already has this {attribute}",
        "Find it by a filter, and adopt it or rename one of the two.";
    /// Another value for an attribute that is written once (RFC 7643 §2.2).
    Immutable { name: String } = 400 Mutability,
        "{name} is immutable: send the value that it has already",
        "Send the old value, or delete the resource and make it again.";

section "PATCH"
    /// `Operations` is absent, empty or no array.
    NoOperations = 400 InvalidSyntax,
        "Operations takes an array of one or more operations",
        "Send at least one.";
    /// More operations than one request may have.
    TooManyOperations { most: usize } = 413,
        "Operations takes at most {most}: send several requests",
        "Send several requests.";
    /// An operation without `op`, or with one that is no string.
    NoOp = 400 InvalidSyntax,
        "op takes a string: add, remove or replace",
        "Send one of the three.";
    /// An `op` that RFC 7644 §3.5.2 does not have.
    UnknownOp { op: String } = 400 InvalidSyntax,
        "op takes add, remove or replace, not {op:?}",
        "Send one of the three.";
    /// A `path` that is no string.
    PathShape = 400 InvalidPath,
        "path takes a string",
        "Send a string, or leave the path out.";
    /// `remove` without a `path` (RFC 7644 §3.5.2.2).
    NoPath = 400 NoTarget,
        "remove needs a path, which says what to remove",
        "Add the path.";
    /// `add` or `replace` without a `value`.
    NoValue = 400 InvalidValue,
        "add and replace need a value",
        "Add the value; null clears.";
    /// `remove` with a `value`, from a client that is forgiven nothing. Ignoring it would remove
    /// more than is listed.
    ValueOfRemove = 400 InvalidSyntax,
        "remove takes no value: select what to remove in the path, like emails[value eq \"x\"]",
        "Move the selection into the path.";
    /// Without a `path`, the `value` is a set of attributes.
    ValueShape = 400 InvalidValue,
        "without a path, value takes an object of attributes",
        "Send an object, or add a path.";
    /// A read-only attribute is written.
    ReadOnly { name: String } = 400 Mutability,
        "{name} is read-only",
        "Leave it out: the server sets it.";
    /// A required attribute is removed.
    RequiredRemoved { name: String } = 400 Mutability,
        "{name} is required and cannot be removed",
        "Replace it instead.";
    /// The filter in the brackets matches no element (RFC 7644 §3.5.2.3).
    NoMatch { name: String } = 400 NoTarget,
        "no element of {name} matches",
        "Read the resource, or add the element first.";
    /// The operations of one request look at more elements than the server is willing to.
    TooMuchWork = 413,
        "too much to do in one request: send several",
        "Send several requests.";

section "Paths"
    /// The path is longer than any attribute's name can make it.
    PathTooLong { most: usize } = 400 InvalidPath,
        "the path is longer than {most} bytes",
        "Send several operations.";
    /// The path is not written as RFC 7644 §3.5.2 figure 7 demands.
    PathSyntax { position: usize, clause: Clause } = 400 InvalidPath,
        "path, character {position}: {clause}",
        "See below.";
    /// The path names nothing in the schemas of the resource type.
    UnknownPath { path: String, kind: String } = 400 InvalidPath,
        "{path} is no attribute of {kind}",
        "`/Schemas` lists what there is.";
    /// The part behind the brackets is none of the attribute.
    UnknownPathPart { name: String, part: String } = 400 InvalidPath,
        "{name} has no part {part:?}",
        "`/Schemas` lists what there is.";
    /// Brackets on an attribute that has one value.
    NoElements { name: String } = 400 InvalidPath,
        "{name} has one value: leave the [ ] out",
        "Leave the brackets out.";
    /// Brackets on `schemas`, whose elements follow from the attributes that are there.
    NoSelection { name: String } = 400 InvalidPath,
        "{name} cannot be selected from: write the attributes of the extension, or remove it by its URN",
        "Write or remove the extension itself.";

section "Filters and lists"
    /// The filter is longer than the server reads.
    FilterTooLong { most: usize } = 400 InvalidFilter,
        "the filter is longer than {most} bytes: ask in several requests",
        "Ask in several requests.";
    /// The filter is not written as RFC 7644 §3.4.2.2 figure 1 demands.
    FilterSyntax { position: usize, clause: Clause } = 400 InvalidFilter,
        "filter, character {position}: {clause}",
        "See below.";
    /// More comparisons by `co` and `ew` than one filter may have: no index helps with them.
    TooManySearches { found: usize, most: usize } = 400 InvalidFilter,
        "the filter has {found} comparisons by co and ew, and {most} are the most: use eq or sw, or ask in parts",
        "Use `eq` or `sw`.";
    /// The filter names an attribute that the resource type does not have.
    UnknownInFilter { path: String, kind: String } = 400 InvalidFilter,
        "{path} is no attribute of {kind}",
        "`/Schemas` lists what there is.";
    /// The filter of a query over all types names what no type has.
    UnknownEverywhere { path: String } = 400 InvalidFilter,
        "{path} is no attribute of any resource type",
        "`/Schemas` lists what there is.";
    /// The filter in the brackets names what the attribute does not have.
    UnknownInBrackets { path: String, name: String } = 400 InvalidFilter,
        "{path} is no part of {name}",
        "`/Schemas` lists what there is.";
    /// The filter asks for what is never returned, such as `password`.
    NotAskable { name: String } = 400 InvalidFilter,
        "{name} cannot be asked for",
        "Leave it out.";
    /// Brackets on a part of an attribute.
    BracketsOnPart { path: String } = 400 InvalidFilter,
        "{path}[…] must name an attribute, not a part of one",
        "Move the part into the brackets.";
    /// `gt`, `ge`, `lt`, `le`, `co`, `sw` or `ew` with null.
    NullOrder { name: String, operator: &'static str } = 400 InvalidFilter,
        "{name} {operator} null: null has no order",
        "Use `eq null`, or `not (… pr)`.";
    /// A complex attribute without a `value` is compared.
    ComplexCompared { name: String } = 400 InvalidFilter,
        "{name} is complex: compare one of its parts",
        "Name a part: `name.familyName`.";
    /// An operator that is not for the type: order of booleans and binaries (RFC 7644 §3.4.2.2),
    /// `co` of what is no text.
    OperatorForType { name: String, what: &'static str, operator: &'static str } = 400 InvalidFilter,
        "{name} is {what}, which {operator} does not compare",
        "Use `eq` or `ne`.";
    /// The value is of another type than the attribute's.
    ComparedWith { name: String, what: &'static str } = 400 InvalidFilter,
        "{name} is compared with {what}",
        "Send a value of that type.";
    /// No index helps with the filter, and what is left is more than the server is willing to
    /// examine.
    TooMany = 400 TooMany,
        "the filter would have to examine too many resources: narrow it by an attribute such as userName, emails.value or meta.lastModified",
        "Add a comparison of an indexed attribute with `and`.";
    /// `startIndex` or `count` is no whole number.
    NotANumber { name: &'static str } = 400 InvalidValue,
        "{name} takes a whole number",
        "Send digits.";
    /// `sortOrder` is something else.
    SortOrder = 400 InvalidValue,
        "sortOrder takes ascending or descending",
        "Send one of the two.";
    /// `sortBy` names nothing that can be sorted by.
    SortBy { path: String } = 400 InvalidPath,
        "sortBy: {path} is no attribute that can be sorted by",
        "`/Schemas` lists what there is.";
    /// `sortBy` names a complex attribute without a `value`.
    SortByComplex { path: String } = 400 InvalidPath,
        "sortBy: {path} is complex: sort by one of its parts",
        "Name a part: `name.familyName`.";
    /// `attributes` and `excludedAttributes` in one request (RFC 7644 §3.9).
    BothProjections = 400 InvalidValue,
        "attributes and excludedAttributes exclude each other: send one of them",
        "Send one of them.";
    /// `attributes` or `excludedAttributes` names what no schema defines.
    UnknownProjected { parameter: &'static str, name: String } = 400 InvalidValue,
        "{parameter}: {name:?} is no attribute of this resource type",
        "Leave it out: `/Schemas` lists what there is.";
    /// A member of a SearchRequest has another type.
    ParameterShape { name: String, what: &'static str } = 400 InvalidValue,
        "{name} takes {what}",
        "Send a value of that type.";

section "Cursors"
    /// The cursor is forged or damaged, or it was given for another query, to another client or by
    /// another installation. The sentence is the same for all, so that it tells nothing (RFC 9865
    /// §5.2).
    InvalidCursor = 400 InvalidCursor,
        "the cursor was not given to this client for this query: begin again with an empty cursor",
        "Send every parameter of the first page with every other page, and nothing else but the cursor.";
    /// The cursor is too old.
    ExpiredCursor { seconds: u32 } = 400 ExpiredCursor,
        "the cursor is older than {seconds} seconds: begin again with an empty cursor",
        "Ask for the next page sooner.";
    /// `count` is another one than with the first page.
    CursorCount { count: u16 } = 400 InvalidCount,
        "count: this cursor goes with {count}, as the first page did",
        "Send the same `count` with every page.";
    /// `count` is no size of a page.
    PageCount { most: usize } = 400 InvalidCount,
        "count takes a whole number, {most} at most, where there is a cursor",
        "Ask for smaller pages.";
    /// Both ways of paging in one request (RFC 9865 §2.4).
    TwoPagings = 400 InvalidValue,
        "cursor and startIndex exclude each other: send one of them",
        "Send one of them.";

section "Bulk"
    /// The body is larger than `bulk.maxPayloadSize` of ServiceProviderConfig (`large_body_limit`).
    BulkTooLarge { limit: usize } = 413,
        "the bulk request is larger than maxPayloadSize ({limit} bytes): send several",
        "Send several requests, or raise `large_body_limit`.";
    /// More operations than `bulk.maxOperations` of ServiceProviderConfig.
    BulkTooMany { count: usize, most: usize } = 413,
        "the bulk request has {count} operations, more than maxOperations ({most}): send several",
        "Send several requests.";
    /// `failOnErrors` is something else than a number of errors.
    FailOnErrors = 400 InvalidValue,
        "failOnErrors takes a whole number, 1 or more",
        "Send a number, or leave it out.";
    /// An operation without a `method`, or with one that is none of the four.
    BulkMethod { method: String } = 400 InvalidValue,
        "method takes POST, PUT, PATCH or DELETE, not {method:?}",
        "Send one of the four.";
    /// A POST without a `bulkId` (RFC 7644 §3.7).
    NoBulkId = 400 InvalidValue,
        "a POST needs a bulkId, by which its answer is recognised",
        "Add one, of your own choice.";
    /// Two POSTs of one request have the same `bulkId`.
    BulkIdTaken { bulk_id: String } = 400 InvalidValue,
        "bulkId: {bulk_id:?} is taken by an operation before this one",
        "Give each POST a `bulkId` of its own.";
    /// A reference by a `bulkId` that several POSTs have.
    BulkIdAmbiguous { bulk_id: String } = 400 InvalidValue,
        "bulkId:{bulk_id} is the bulkId of more than one operation: which is meant?",
        "Give each POST a `bulkId` of its own.";
    /// A reference by a `bulkId` that no POST of the request has.
    BulkIdUnknown { bulk_id: String } = 400 InvalidValue,
        "bulkId:{bulk_id} names no POST of this request: give the resource's id",
        "Outside its request a `bulkId` means nothing: use the id that was given.";
    /// A reference to a resource that could not be made.
    BulkIdFailed { bulk_id: String } = 409,
        "bulkId:{bulk_id} was not made, and this operation refers to it",
        "See what the answer says of that operation.";
    /// Groups that would be members of each other (RFC 7644 §3.7.1).
    Knot = 409,
        "members: these groups would be members of each other",
        "Take one of the two nestings away.";
    /// An operation without a `path`.
    NoBulkPath = 400 InvalidValue,
        "an operation needs a path, such as /Users",
        "Add the path.";
    /// A `path` that is not of the form `/type` or `/type/id`.
    BulkPathShape { path: String } = 400 InvalidPath,
        "path: {path:?} is not of the form /type or /type/id",
        "Name resources by type and id, without a query.";
    /// A `path` to something else than resources: `/Bulk`, `/Me`, `/Schemas`.
    BulkPathReserved { path: String } = 400 InvalidPath,
        "path: {path:?} cannot be part of a bulk request: name resources by type and id",
        "Send it as a request of its own.";
    /// A `path` that names no resource type.
    BulkPathUnknown { path: String } = 404,
        "path: {path:?} names no resource type",
        "`/ResourceTypes` lists the endpoints.";
    /// POST takes a type, the other methods a resource.
    BulkPathMethod { path: String, method: &'static str } = 405,
        "path: {path:?} is not for {method}: POST takes /type, the others take /type/id",
        "Correct the path.";
    /// POST, PUT or PATCH without `data`.
    NoData = 400 InvalidValue,
        "POST, PUT and PATCH need data, the body of the request",
        "Add the body as `data`.";
    /// The resource has another version than the operation names.
    StaleVersion = 412,
        "version: the resource has another version by now: read it again",
        "Read the resource again, decide again, and send the new version.";

section "The server"
    /// Something failed inside. The cause is in the log, under the id, and nowhere else.
    Internal { id: String } = 500,
        "something went wrong here; the administrator finds it in the log as error {id}",
        "Search the log for the id.";
    /// An administrator changed the schemas while the request was on its way, through another
    /// instance. `Retry-After` says when to come again.
    Outdated = 503,
        "the schemas have just changed: send the request again",
        "Send the request again; identity providers do so by themselves.";
    /// The database has too much to do. `Retry-After` says when to come again.
    Busy = 503,
        "the server is busy: try again in a second",
        "Try again; identity providers do so by themselves.";
}
