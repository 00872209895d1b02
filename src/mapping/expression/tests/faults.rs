//! What is refused, where, and in which words.

use super::{BADGE, faults};
use crate::mapping::expression::compile;
use proptest::prelude::*;

#[track_caller]
fn refused(text: &str, at: usize, detail: &str) {
    let faults = faults(text);
    let first = faults.first().expect("there is a fault");
    assert_eq!((first.at, first.detail.as_str()), (at, detail), "{text}: {faults:?}");
}

#[test]
fn unknown_names_are_told_with_the_nearest_known() {
    refused("usrName", 1, "the profile has no field usrName. Did you mean userName?");
    refused("1 + givenName", 5, "the profile has no field givenName. Did you mean name.givenName?");
    refused("name.givenNam", 6, "name has no part givenNam. Did you mean givenName?");
    refused("name . givenNam", 8, "name has no part givenNam. Did you mean givenName?");
    refused("user.departmnt", 6, "the profile has no field departmnt. Did you mean department?");
    refused("emails[0].valeu", 11, "emails has no part valeu. Did you mean value?");
    refused("emails.map(e, e.valeu)", 17, "emails has no part valeu. Did you mean value?");
    refused("emails.map(e, f.value)", 15, "the profile has no field f.");
    refused("uper(userName)", 1, "there is no function uper. Did you mean upper?");
    refused("userName.uper()", 10, "there is no function uper. Did you mean upper?");
    refused("lowerAscii(userName)", 1, "there is no function lowerAscii. Did you mean lower?");
    refused(
        "'a' + now()",
        7,
        "there is no now(): equal profiles give equal values; use what is in the profile.",
    );
    refused("frobnicate(1)", 1, "there is no function frobnicate.");
    refused("has(user.titel)", 10, "the profile has no field titel. Did you mean title?");
}

#[test]
fn what_is_known_of_an_attribute_is_known_wherever_it_is_put() {
    for text in [
        "[doors[0]][0].code",
        "[[doors]][0][0][0].code",
        "{'a': doors[0]}.a.code",
        "{'a': 1, 'b': {'c': doors}}.b.c.map(d, d.code)",
        "{'a': doors[0]}[title].code",
        "coalesce(doors[0], name).code",
        "coalesce(name, doors[0]).code",
        "(active ? doors[0] : emails[0]).code",
        "(active ? null : doors[0]).code",
        "lookup(title, {}, doors[0]).code",
        "(doors + []).map(d, d.code)",
        "(emails + doors).filter(d, d.code == '1')",
        "[doors].exists(d, d.exists(e, e.code == '1'))",
        "has([doors[0]][0].code)",
    ] {
        let faults = faults(text);
        let told = "code is never read back, so it cannot be mapped.";
        assert!(faults.iter().any(|fault| fault.detail == told), "{text}: {faults:?}");
    }
    refused("[name][0].nope", 11, "name has no part nope.");
    refused("{'a': name}.a.givenNam", 15, "name has no part givenNam. Did you mean givenName?");
    refused("coalesce(name, desk).nope", 22, "name has no part nope.");
    for text in [
        "coalesce(desk, name).givenName",
        "(active ? emails : doors).map(e, e.floor)",
        "{'a': name}.b.c",
        "{'a': name}[title].givenName",
        "[name, 1][0].nope",
        "{title: name}.a.nope",
    ] {
        assert!(compile(&super::USER, text).is_ok(), "{text}");
    }
}

#[test]
fn what_is_known_does_not_double_for_long() {
    let text = format!("[1]{}", ".map(x, {'a': x, 'b': x})".repeat(38));
    assert!(compile(&super::USER, &text).is_ok(), "{}", text.len());
}

#[test]
fn every_fault_is_told_at_once_in_order() {
    let faults = faults("usrName + emails.map(e, e.valeu).joim(',')");
    let at: Vec<usize> = faults.iter().map(|fault| fault.at).collect();
    assert_eq!(at, [1, 34], "a function that is not there hides its arguments: {faults:?}");
    let faults = super::faults("usrName + nam.x + [titel][0]");
    let at: Vec<usize> = faults.iter().map(|fault| fault.at).collect();
    assert_eq!(at, [1, 11, 20], "{faults:?}");
}

#[test]
fn positions_count_characters() {
    refused("\"é😀\" + usrName", 8, "the profile has no field usrName. Did you mean userName?");
    refused("\"é😀\" + uper(userName)", 8, "there is no function uper. Did you mean upper?");
    refused("\"é😀\" + name.x", 13, "name has no part x.");
    refused("'é' +\n  \"😀\" + uper('a')", 15, "there is no function uper. Did you mean upper?");
    refused(
        "'é😀' + emails.map(1, 2)",
        19,
        "the first argument of a macro is a name for each element; write one, as in emails.map(e, e.value).",
    );
    refused(
        "'é😀' +\n'é' + emails.map(1, 2)",
        25,
        "the first argument of a macro is a name for each element; write one, as in emails.map(e, e.value).",
    );
    refused("'é😀' + ", 8, "the expression ends too early; complete it, or close what is open.");
    refused("'é😀'\n + é", 9, "é has no meaning here; texts stand in quotes.");
    refused(
        "'é😀' + 99999999999999999999",
        8,
        "the whole number is too large; it has 64 bits at most.",
    );
}

#[test]
fn what_cannot_be_read_is_told_in_a_sentence() {
    let early = "the expression ends too early; complete it, or close what is open.";
    refused("upper(userName", 15, early);
    refused("active ? 1", 11, early);
    refused("[1, 2", 6, early);
    refused("'abc", 1, "the text that begins here is not closed; add its quote.");
    refused(
        "'a\\q'",
        1,
        "the text that begins here has a backslash that means nothing; double it, or write r\"…\".",
    );
    refused(
        "title nickName",
        7,
        "nickName is not expected here; an operator or a comma may be missing before it.",
    );
    refused("if(title)", 1, "if is a word that CEL keeps for itself; use another name.");
    refused(
        "has(title)",
        5,
        "has() takes a path with a dot; write has(user.title), or title != null.",
    );
    refused("name.?givenName", 5, "this part of CEL is left out; a missing value needs no ? here.");
    refused("b'a'", 1, "bytes have no meaning here; leave out the b before the quote.");
    refused(
        "18446744073709551615u",
        1,
        "the whole number is too large; it has 63 bits and a sign.",
    );
    refused("Name{a: 1}", 5, "messages with a type have no meaning here; write {\"name\": value}.");
    refused(
        "  ",
        1,
        "the expression is empty; write one, as in name.givenName, or use another source.",
    );
    refused("1e999", 1, "the number cannot be read; write it like 1.5.");
}

#[test]
fn misuse_is_told_with_its_remedy() {
    let several = "emails has several values: write emails.map(e, e.value) for all of them, or emails[0].value for the first.";
    refused("emails.value", 8, several);
    refused("user.emails.value", 13, several);
    refused("userName.value", 10, "userName is one value and has no part value; leave it out.");
    refused(
        "name.givenName.first",
        16,
        "givenName is one value and has no part first; leave it out.",
    );
    refused(
        "emails[0].value.first",
        17,
        "emails[0].value is one value and has no part first; leave it out.",
    );
    refused("user", 1, "user is the whole profile; name one of its fields, as in user.id.");
    refused("size(user)", 6, "user is the whole profile; name one of its fields, as in user.id.");
    refused("group.displayName", 1, "the profile has no field group. Did you mean groups?");
    refused(
        &format!("user[\"{BADGE}\"]"),
        6,
        &format!("{BADGE} is a whole schema; name one of its attributes."),
    );
    refused("password", 1, "password is never read back, so it cannot be mapped.");
    refused("user.password", 6, "password is never read back, so it cannot be mapped.");
    refused("user['passWord']", 6, "password is never read back, so it cannot be mapped.");
    refused(
        "lower(emails)",
        7,
        "lower takes text here, and emails is a list; choose one, as in emails[0], or go through all with map().",
    );
    refused(
        "lower(name)",
        7,
        "lower takes text here, and name is a value with parts; name one of its parts.",
    );
    refused(
        "lower(number)",
        7,
        "lower takes text here, and number is a number; write string(…) around it.",
    );
    refused(
        "left(userName, title)",
        16,
        "left takes a whole number here, and title is text; write int(…) around it.",
    );
    refused(
        "join(userName)",
        6,
        "join takes a list here, and userName is text; use another function.",
    );
    refused(
        "userName + number",
        10,
        "+ cannot put text and a number together; write string(…) around what is not text.",
    );
    refused("userName - 1", 10, "- is not for text; convert it before.");
    refused("1 * title", 3, "* is not for text; convert it before.");
    refused("-userName", 2, "- needs a number here, and this is text; convert it.");
    refused(
        "active == 'true'",
        8,
        "true or false and text are never equal; compare values of one kind.",
    );
    refused(
        "emails == 'x'",
        8,
        "a list and text are never equal; compare values of one kind, or use in.",
    );
    refused("number < 'x'", 8, "a number and text have no order; compare values of one kind.");
    refused("emails < emails", 8, "< is not for a list; convert it before.");
    refused(
        "'@' in userName",
        5,
        "in looks into lists; whether a text is in a text says contains().",
    );
    refused(
        "title && active",
        1,
        "&& needs true or false, and title is text; compare it, as in title != null.",
    );
    refused(
        "!title",
        2,
        "! needs true or false, and title is text; compare it, as in title != null.",
    );
    refused(
        "title ? 1 : 2",
        1,
        "? needs true or false, and title is text; compare it, as in title != null.",
    );
    refused(
        "userName.map(e, e)",
        1,
        "userName is not a list, so there is nothing to walk through; use it as it is.",
    );
    refused(
        "name.map(e, e)",
        1,
        "name is not a list, so there is nothing to walk through; use it as it is.",
    );
    refused(
        "userName[0]",
        9,
        "[…] takes the number of an element of a list, the first being 0; userName cannot be read so. For a part of a text use substr().",
    );
    refused("name[title]", 6, "the part of name is chosen by its name; write it after a dot.");
    refused("pad(title)", 1, "pad is written pad(text, width, [fill]); compare the arguments.");
    refused(
        "title.pad(1, '0', 2)",
        7,
        "pad is written pad(text, width, [fill]); compare the arguments.",
    );
    refused("coalesce()", 1, "coalesce is written coalesce(value, …); compare the arguments.");
    refused("emails.map(e)", 8, "map is written list.map(name, value); compare the arguments.");
    refused(
        "title.matches(nickName)",
        15,
        "the pattern of matches stands in quotes, so that it can be checked; write it out.",
    );
    refused("title.matches('[')", 15, "the pattern cannot be used: unclosed character class.");
    refused(
        "title.matches('(a{1,100}){1,100}')",
        15,
        "the pattern cannot be used: it describes too much; use smaller repetitions.",
    );
    refused(
        "lookup(title, nickName)",
        15,
        "the table of lookup is written out; write it as {\"a\": \"b\"}.",
    );
    refused(
        "lookup(title, {'a': title})",
        21,
        "keys and values of a table are hardcoded; write a text in quotes, a number, true or false.",
    );
    refused(
        "lookup(title, {'a': 1, 'A ': 2})",
        24,
        "the table has this key already, in some case; remove one of them.",
    );
    refused(
        "formatDate(since, 'YYYY')",
        19,
        "Y has no meaning in the pattern of a date; use yyyy MM dd HH mm ss.",
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,60}") {
        told(&text);
    }

    #[test]
    fn nothing_that_looks_like_cel_makes_it_panic(
        words in proptest::collection::vec(proptest::sample::select(WORDS), 0..40),
    ) {
        told(&words.concat());
    }
}

const WORDS: &[&str] = &[
    "userName",
    "name",
    ".givenName",
    "emails",
    ".value",
    "user",
    "x",
    ".map(",
    ".filter(",
    "x,",
    ".exists(",
    ".exists_one(",
    ".all(",
    "has(",
    "matches(",
    "lookup(",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "?",
    "+",
    "-",
    "!",
    "&&",
    "||",
    "==",
    "<",
    " in ",
    "1",
    "0x",
    "1.5",
    "1u",
    "'a'",
    "\"é\"",
    "r'",
    "'''",
    "\\",
    "null",
    "true",
    ".",
    "\n",
    "//",
    "b'",
    " ",
    "size(",
    "😀",
];

/// Refused or not: what is said has a place in the text and is a sentence.
fn told(text: &str) {
    let Err(faults) = compile(&super::USER, text) else { return };
    assert!(!faults.is_empty(), "{text}");
    for fault in faults {
        assert!((1..=text.chars().count() + 1).contains(&fault.at), "{text:?}: {fault:?}");
        assert!(fault.detail.ends_with(['.', '?']), "{text:?}: {fault:?}");
    }
}
