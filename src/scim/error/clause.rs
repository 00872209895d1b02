//! What a filter or a path may lack at one place, as the end of the sentence that names the place.

use std::fmt;

/// Declares the clauses once: as the type, as text, and as rows of `docs/errors.md`.
macro_rules! clauses {
    ($(
        $(#[doc = $when:literal])+
        $name:ident $( { $( $field:ident : $type:ty ),+ } )? = $clause:literal;
    )+) => {
        /// What is wrong at one place of a filter or a path.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Clause {
            $(
                $(#[doc = $when])+
                $name $( { $(
                    #[doc = concat!("`{", stringify!($field), "}` in the clause.")]
                    $field: $type
                ),+ } )?,
            )+
        }

        impl fmt::Display for Clause {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $( Self::$name $( { $( $field ),+ } )? => write!(f, $clause), )+
                }
            }
        }

        /// Each clause, and when it is said.
        pub(super) const CLAUSES: &[(&str, &str)] = &[
            $( ($clause, concat!($( $when ),+)), )+
        ];
    };
}

clauses! {
    /// Text goes on where nothing may follow.
    Unexpected = "unexpected text";
    /// No name begins here: names begin with a letter.
    AttributeName = "expected an attribute name";
    /// A colon with no URN before it.
    Urn = "expected a URN before \":\"";
    /// `name.givenName.first`
    PartOfPart = "a sub-attribute has no parts of its own";
    /// Something follows an attribute path.
    EndOfAttributePath = "expected the end of the attribute path";
    /// Something follows an attribute in the path of a PATCH operation.
    RestOfPath = "expected \".\", \"[\" or the end of the path";
    /// Something follows a value path.
    EndOfPath = "expected the end of the path";
    /// `emails.value[…]`
    BracketsOnPart = "\"[\" follows an attribute, not a part of one";
    /// `emails[ims[…]]`
    NestedBrackets = "brackets do not nest";
    /// A comparison is followed by something else.
    Connective = "expected \"and\" or \"or\"";
    /// A parenthesis is not closed.
    ClosingParenthesis = "expected \"and\", \"or\" or \")\"";
    /// A bracket is not closed.
    ClosingBracket = "expected \"and\", \"or\" or \"]\"";
    /// Words run into each other.
    Space = "expected a space";
    /// Fewer or more white space than the grammar has, from a client that is forgiven nothing.
    OneSpace = "expected one space";
    /// White space where the grammar has none, from a client that is forgiven nothing.
    NoSpace = "expected no space";
    /// Nothing follows `and` or `or`.
    Comparison = "expected a space and a comparison";
    /// `not` without parentheses.
    AfterNot = "expected \"(\" after \"not\"";
    /// Nothing follows an attribute.
    Operator = "expected a space and an operator";
    /// What follows an attribute is no word.
    OperatorWord = "expected an operator (eq, ne, co, sw, ew, pr, gt, ge, lt, le)";
    /// A word that is no operator.
    UnknownOperator { operator: String } =
        "the operator {operator:?} is not supported (eq, ne, co, sw, ew, pr, gt, ge, lt, le are)";
    /// Nothing follows an operator.
    SpaceAndValue = "expected a space and a value";
    /// What follows an operator is no value.
    Value = "expected a value: a string in double quotes, a number, true, false or null";
    /// Something is stuck to a value.
    EndOfValue = "expected the end of the value";
    /// A string without its second quote.
    OpenString = "the string that begins here does not end";
    /// A string with an escape or a character that JSON does not have.
    JsonString = "expected a JSON string: an escape or a character is wrong";
    /// A string with a NUL.
    Nul = "a string must not hold U+0000";
    /// A sign without digits.
    Number = "expected a number";
    /// A number that JSON does not have, such as `01`, or that is too large.
    JsonNumber = "expected a JSON number";
    /// More than the server is willing to read.
    Comparisons { most: usize } = "more than {most} comparisons";
    /// More than the server is willing to read.
    Depth { most: usize } = "nested deeper than {most} levels";
    /// A comparison of a part behind the brackets, from a client that is not forgiven it.
    PartAfterBrackets =
        "a comparison goes into the brackets: write emails[type eq \"work\" and value eq \"x\"]";
}
