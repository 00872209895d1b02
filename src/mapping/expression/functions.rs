//! The functions of expressions, in one table: what is compiled and what is documented.

use crate::mapping::form::Builtin;

/// A function, as people are told of it.
#[derive(Debug)]
pub(crate) struct Function {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its arguments; the first may stand before the name: `trim(x)` is `x.trim()`.
    pub(crate) parameters: &'static [Parameter],
    /// How many arguments it needs; those after them may be left out.
    pub(crate) needs: usize,
    /// What it answers with.
    pub(crate) gives: Gives,
    /// One sentence.
    pub(crate) description: &'static str,
    /// An expression that uses it.
    pub(crate) example: &'static str,
    /// What comes of the example, as JSON.
    pub(crate) result: &'static str,
    /// What it compiles to.
    pub(super) target: Target,
}

/// An argument.
#[derive(Debug)]
pub(crate) struct Parameter {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it has to be.
    pub(crate) takes: Takes,
}

/// What an argument has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Text.
    Text,
    /// A whole number.
    Whole,
    /// A list.
    List,
    /// One value of any type.
    One,
    /// Anything.
    Any,
    /// A text in quotes.
    Quoted,
    /// A table in braces, of hardcoded values: `{"a": "b"}`.
    Table,
    /// As many more values as one likes.
    More,
    /// The name that the elements have in the arguments after it.
    Name,
    /// A condition on the element.
    Condition,
}

/// What a function answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gives {
    /// Text.
    Text,
    /// A list of texts.
    Texts,
    /// True or false.
    Truth,
    /// A whole number.
    Whole,
    /// A number.
    Number,
    /// What its arguments are.
    Same,
    /// A list.
    List,
}

/// What a function compiles to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// Itself.
    Call(Builtin),
    /// The first argument that is not empty.
    First,
    /// A table.
    Lookup,
    /// A pattern, compiled with the expression.
    Matches,
    /// The parser has made something else of it already.
    Macro,
}

const fn parameter(name: &'static str, takes: Takes) -> Parameter {
    Parameter { name, takes }
}

const TEXT: Parameter = parameter("text", Takes::Text);
const LIST: Parameter = parameter("list", Takes::List);
const NAME: Parameter = parameter("name", Takes::Name);
const CONDITION: Parameter = parameter("condition", Takes::Condition);

/// A row of the table, shorter to read than a struct.
macro_rules! functions {
    ($($name:literal ($($parameter:expr),*) $needs:literal $gives:ident $target:expr,
        $description:literal, $example:literal => $result:literal;)*) => {
        &[$(Function {
            name: $name,
            parameters: &[$($parameter),*],
            needs: $needs,
            gives: Gives::$gives,
            description: $description,
            example: $example,
            result: $result,
            target: $target,
        }),*]
    };
}

/// Every function and macro there is, by what one does with them.
#[rustfmt::skip]
#[expect(clippy::needless_raw_string_hashes, reason = "so that rows look alike, most of which need them")]
pub(crate) const FUNCTIONS: &[Function] = functions! {
    "lower" (TEXT) 1 Text Target::Call(Builtin::Lower),
        "The text in lower case, in any alphabet.",
        r#"lower("Björn ÅKESSON")"# => r#""björn åkesson""#;
    "upper" (TEXT) 1 Text Target::Call(Builtin::Upper),
        "The text in upper case, in any alphabet.",
        r#"name.familyName.upper()"# => r#""SEMANČÍK""#;
    "trim" (TEXT) 1 Text Target::Call(Builtin::Trim),
        "The text without white space at its ends.",
        r#"trim("  a b ")"# => r#""a b""#;
    "replace" (TEXT, parameter("from", Takes::Text), parameter("to", Takes::Text)) 3 Text Target::Call(Builtin::Replace),
        "The text with every occurrence of one text replaced by another.",
        r#"userName.replace("@", ".at.")"# => r#""radovan.at.example.com""#;
    "substr" (TEXT, parameter("from", Takes::Whole), parameter("count", Takes::Whole)) 2 Text Target::Call(Builtin::Substr),
        "So many characters from a place on; the first place is 0, and -1 is the last.",
        r#"substr("Čadca", 1, 3)"# => r#""adc""#;
    "left" (TEXT, parameter("count", Takes::Whole)) 2 Text Target::Call(Builtin::Left),
        "The first characters.",
        r#"name.givenName.left(1)"# => r#""R""#;
    "right" (TEXT, parameter("count", Takes::Whole)) 2 Text Target::Call(Builtin::Right),
        "The last characters.",
        r#"right("K-2044", 4)"# => r#""2044""#;
    "before" (TEXT, parameter("mark", Takes::Text)) 2 Text Target::Call(Builtin::Before),
        "What stands before the first occurrence of a text; the whole text where there is none.",
        r#"userName.before("@")"# => r#""radovan""#;
    "after" (TEXT, parameter("mark", Takes::Text)) 2 Text Target::Call(Builtin::After),
        "What stands after the first occurrence of a text; nothing where there is none.",
        r#"userName.after("@")"# => r#""example.com""#;
    "pad" (TEXT, parameter("width", Takes::Whole), parameter("fill", Takes::Text)) 2 Text Target::Call(Builtin::Pad),
        "The text, filled at its left to so many characters; with spaces unless something is named.",
        r#"pad("42", 6, "0")"# => r#""000042""#;
    "split" (TEXT, parameter("mark", Takes::Text)) 2 Texts Target::Call(Builtin::Split),
        "The list of what stands between the occurrences of a text; its characters where that is empty.",
        r#"split("a/b/c", "/")"# => r#"["a","b","c"]"#;
    "join" (LIST, parameter("between", Takes::Text)) 1 Text Target::Call(Builtin::Join),
        "The elements of a list as one text; those without a value are left out.",
        r#"emails.map(e, e.value).join(";")"# => r#""radovan@example.com;rado@example.org""#;
    "transliterate" (TEXT) 1 Text Target::Call(Builtin::Transliterate),
        "The text in ASCII: letters of any alphabet by their likeness.",
        r#"transliterate("Semančík Жук")"# => r#""Semancik Zhuk""#;
    "slug" (TEXT) 1 Text Target::Call(Builtin::Slug),
        "The text for names of files and mailboxes: small letters and digits of ASCII, and hyphens.",
        r#"slug("Jörg van der Berg")"# => r#""jorg-van-der-berg""#;
    "initials" (TEXT) 1 Text Target::Call(Builtin::Initials),
        "The first letters of the words, as capitals.",
        r#"initials("Anna-Maria de Vries")"# => r#""AMDV""#;
    "formatDate" (TEXT, parameter("pattern", Takes::Text)) 2 Text Target::Call(Builtin::FormatDate),
        "A date or time, written by a pattern of yyyy MM dd HH mm ss; times with an offset in UTC.",
        r#"formatDate("2026-01-31T23:30:00-05:00", "dd.MM.yyyy HH:mm")"# => r#""01.02.2026 04:30""#;
    "matches" (TEXT, parameter("pattern", Takes::Quoted)) 2 Truth Target::Matches,
        "Whether the text has what a regular expression describes; ^ and $ are its ends.",
        r#"userName.matches("^[a-z]+@")"# => r#"true"#;
    "contains" (TEXT, parameter("part", Takes::Text)) 2 Truth Target::Call(Builtin::Contains),
        "Whether the text has another in it.",
        r#"userName.contains("@")"# => r#"true"#;
    "startsWith" (TEXT, parameter("start", Takes::Text)) 2 Truth Target::Call(Builtin::StartsWith),
        "Whether the text starts with another.",
        r#"userName.startsWith("rad")"# => r#"true"#;
    "endsWith" (TEXT, parameter("end", Takes::Text)) 2 Truth Target::Call(Builtin::EndsWith),
        "Whether the text ends with another.",
        r#"userName.endsWith(".org")"# => r#"false"#;
    "coalesce" (parameter("value", Takes::Any), parameter("…", Takes::More)) 1 Same Target::First,
        "The first value that is not empty.",
        r#"coalesce(nickName, title, name.givenName)"# => r#""Radovan""#;
    "default" (parameter("value", Takes::Any), parameter("otherwise", Takes::Any)) 2 Same Target::First,
        "The value, or another where it is empty.",
        r#"title.default("Staff")"# => r#""Staff""#;
    "lookup" (parameter("key", Takes::One), parameter("table", Takes::Table), parameter("default", Takes::Any)) 2 Same Target::Lookup,
        "The value of a key in a table, or another where it is not in there; keys match without case.",
        r#"department.lookup({"R&D": 7, "Sales": 9}, 0)"# => r#"7"#;
    "size" (parameter("value", Takes::Any)) 1 Whole Target::Call(Builtin::Size),
        "How many characters a text has, or elements a list; 0 where there is no value.",
        r#"size(emails)"# => r#"2"#;
    "string" (parameter("value", Takes::One)) 1 Text Target::Call(Builtin::String),
        "The value as text.",
        r#"string(1 + 1) + "nd""# => r#""2nd""#;
    "int" (parameter("value", Takes::One)) 1 Whole Target::Call(Builtin::Int),
        "The value as a whole number; a fraction is cut off.",
        r#"int("41") + 1"# => r#"42"#;
    "double" (parameter("value", Takes::One)) 1 Number Target::Call(Builtin::Double),
        "The value as a number with a fraction.",
        r#"double("1.5") * 2.0"# => r#"3.0"#;
    "bool" (parameter("value", Takes::One)) 1 Truth Target::Call(Builtin::Bool),
        "The text true or false as such.",
        r#"bool("true")"# => r#"true"#;
    "has" (parameter("path", Takes::Any)) 1 Truth Target::Macro,
        "Whether there is a value: has(name.middleName).",
        r#"has(name.middleName)"# => r#"false"#;
    "filter" (LIST, NAME, CONDITION) 3 List Target::Macro,
        "The elements that meet a condition.",
        r#"emails.filter(e, e.type == "home").map(e, e.value)"# => r#"["rado@example.org"]"#;
    "map" (LIST, NAME, parameter("value", Takes::Any)) 3 List Target::Macro,
        "What becomes of each element; with a condition before the value, of those that meet it.",
        r#"emails.map(e, e.value.after("@"))"# => r#"["example.com","example.org"]"#;
    "exists" (LIST, NAME, CONDITION) 3 Truth Target::Macro,
        "Whether an element meets a condition.",
        r#"emails.exists(e, e.type == "home")"# => r#"true"#;
    "exists_one" (LIST, NAME, CONDITION) 3 Truth Target::Macro,
        "Whether exactly one element meets a condition.",
        r#"emails.exists_one(e, e.value.endsWith(".org"))"# => r#"true"#;
    "all" (LIST, NAME, CONDITION) 3 Truth Target::Macro,
        "Whether all elements meet a condition; so it is where there are none.",
        r#"emails.all(e, e.value.contains("@"))"# => r#"true"#;
};

impl Function {
    /// By its name, which is written exactly so.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        FUNCTIONS.iter().find(|function| function.name == name)
    }

    /// As it is called: `pad(text, width, [fill])`.
    pub(crate) fn signature(&self) -> String {
        let parameters: Vec<String> = self
            .parameters
            .iter()
            .enumerate()
            .map(|(at, parameter)| {
                if at < self.needs || parameter.takes == Takes::More {
                    parameter.name.to_owned()
                } else {
                    format!("[{}]", parameter.name)
                }
            })
            .collect();
        match (self.target, parameters.split_first()) {
            (Target::Macro, Some((list, rest))) if !rest.is_empty() => {
                format!("{list}.{}({})", self.name, rest.join(", "))
            }
            _ => format!("{}({})", self.name, parameters.join(", ")),
        }
    }

    /// What an argument has to be; those beyond the last are as the last where it stands for more.
    pub(super) fn takes(&self, at: usize) -> Option<Takes> {
        match (self.parameters.get(at), self.parameters.last()) {
            (Some(parameter), _) => Some(parameter.takes),
            (None, Some(last)) if last.takes == Takes::More => Some(Takes::More),
            _ => None,
        }
    }
}
