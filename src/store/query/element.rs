//! Conditions on one element of a multi-valued attribute: rows of one resource and one element.
//!
//! The query starts from the rows of the most telling comparison and checks the others on the same
//! element by key. Where every comparison is a denial, it starts from all elements.

use super::lower::{Lowering, among, limited};
use super::predicate::{Lowered, Test};
use super::text::{self, Text};
use crate::scim::filter::{Condition, Field, Operator};
use crate::store::sql::Sql;

/// A condition on an element, negation pushed down.
#[derive(Debug, Clone)]
enum Node {
    Truth(bool),
    /// A part that has no rows: any element may meet it.
    Unknown,
    Row(Row),
    All(Vec<Node>),
    Any(Vec<Node>),
}

/// The element has a row of this path that meets the comparison, or has none.
#[derive(Debug, Clone)]
struct Row {
    path: String,
    compare: Option<(Operator, String)>,
    has: bool,
}

impl Row {
    /// How few rows it may have: the lower, the better to start from.
    fn rank(&self) -> u8 {
        // Nearly every element has one of few types.
        let part = self.path.rsplit('.').next();
        let coarse = matches!(part, Some("type" | "primary"));
        match &self.compare {
            Some((Operator::Equal, _)) if !coarse => 0,
            Some((Operator::StartsWith, _)) => 1,
            Some((Operator::Equal, _)) => 2,
            Some((Operator::Contains | Operator::EndsWith, _)) => 4,
            Some(_) => 3,
            None => 5,
        }
    }
}

impl Node {
    /// Whether there is a comparison to start from that an index serves.
    fn is_narrow(&self) -> bool {
        match self {
            Self::Row(row) => row.has && row.rank() < 2,
            Self::All(parts) => parts.iter().any(Self::is_narrow),
            Self::Any(_) | Self::Truth(_) | Self::Unknown => false,
        }
    }
}

impl Lowering<'_> {
    /// Resources with an element that meets the condition, or without one.
    pub(super) fn element(&self, field: &Field, inner: &Condition, not: bool) -> Lowered {
        let Some(universe) = self.paths(field) else { return Lowered::unknown() };
        let (node, exact) = settled(self.node(inner, false));
        if not && !exact {
            return Lowered::unknown();
        }
        // An element meets one of several when one of several is met by an element.
        let parts = match node {
            Node::Any(parts) => parts,
            node => vec![node],
        };
        let mut sets = Vec::new();
        for part in parts {
            sets.push(match part {
                Node::Truth(false) => Lowered::truth(not),
                part => {
                    let narrow = !not && part.is_narrow();
                    let elements = self.elements(&universe, part);
                    Lowered::exact(Test::Sql(among(not, elements))).narrow_if(narrow)
                }
            });
        }
        let mut lowered = self.combine(not, sets);
        lowered.exact &= exact;
        lowered
    }

    fn node(&self, condition: &Condition, not: bool) -> Node {
        let each = |parts: &[Condition]| parts.iter().map(|part| self.node(part, not)).collect();
        match condition {
            Condition::Always => Node::Truth(!not),
            Condition::Never => Node::Truth(not),
            Condition::All(parts) if not => Node::Any(each(parts)),
            Condition::Any(parts) if !not => Node::Any(each(parts)),
            Condition::All(parts) | Condition::Any(parts) => Node::All(each(parts)),
            Condition::Not(inner) => self.node(inner, !not),
            Condition::Present(field) => self.row(field, None, !not),
            // An element without the part meets `ne`.
            Condition::Compare(field, Operator::NotEqual, operand) => {
                self.row(field, Some((Operator::Equal, operand.clone())), not)
            }
            Condition::Compare(field, operator, operand) => {
                self.row(field, Some((*operator, operand.clone())), !not)
            }
            Condition::Element(..) => Node::Unknown,
        }
    }

    fn row(&self, field: &Field, compare: Option<(Operator, String)>, has: bool) -> Node {
        match self.paths(field).as_deref() {
            Some([path]) => Node::Row(Row { path: path.clone(), compare, has }),
            _ => Node::Unknown,
        }
    }

    /// The resources of the elements that meet a node.
    fn elements(&self, universe: &[String], node: Node) -> Sql {
        let mut parts = match node {
            Node::All(parts) => parts,
            Node::Truth(_) | Node::Unknown => Vec::new(),
            node => vec![node],
        };
        let best = parts
            .iter()
            .enumerate()
            .filter_map(|(at, part)| match part {
                Node::Row(row) if row.has => Some((row.rank(), at)),
                _ => None,
            })
            .min();
        let mut sql = match best.map(|(_, at)| parts.remove(at)) {
            Some(Node::Row(row)) => {
                limited(self.rows(std::slice::from_ref(&row.path)), self.test("a", &row))
            }
            _ => self.rows(universe),
        };
        for part in &parts {
            sql.push(" AND ").append(self.on_element(part));
        }
        sql
    }

    fn test(&self, alias: &str, row: &Row) -> Test {
        match &row.compare {
            None => Test::True,
            Some((operator, operand)) => {
                text::compare(self.backend, Text::Cut(alias), *operator, operand)
            }
        }
    }

    /// A node as an expression on the element of row `a`.
    fn on_element(&self, node: &Node) -> Sql {
        match node {
            Node::Truth(false) => Sql::new("FALSE"),
            Node::Truth(true) | Node::Unknown => Sql::new("TRUE"),
            Node::Row(row) => {
                let mut sql = Sql::new(if row.has { "EXISTS (" } else { "NOT EXISTS (" });
                sql.push("SELECT 1 FROM attribute x WHERE x.organization = ");
                sql.bind(self.organization);
                sql.push(" AND x.resource_id = a.resource_id AND x.element = a.element");
                sql.push(" AND x.path = ").bind(row.path.as_str());
                let mut sql = limited(sql, self.test("x", row));
                sql.push(")");
                sql
            }
            Node::All(parts) => self.on_element_each(parts, " AND "),
            Node::Any(parts) => self.on_element_each(parts, " OR "),
        }
    }

    fn on_element_each(&self, parts: &[Node], by: &str) -> Sql {
        let mut sql = Sql::new("(");
        for (at, part) in parts.iter().enumerate() {
            sql.push(if at == 0 { "" } else { by }).append(self.on_element(part));
        }
        sql.push(")");
        sql
    }
}

/// Without what decides nothing; and whether nothing unknown was left out. What remains passes
/// more elements, never fewer.
fn settled(node: Node) -> (Node, bool) {
    match node {
        Node::Unknown => (Node::Truth(true), false),
        Node::Truth(_) | Node::Row(_) => (node, true),
        Node::All(parts) => {
            let (kept, exact) = settled_each(parts, true);
            match kept {
                None => (Node::Truth(false), true),
                Some(kept) => (group(kept, Node::All, true), exact),
            }
        }
        Node::Any(parts) => {
            let (kept, exact) = settled_each(parts, false);
            match kept {
                None => (Node::Truth(true), exact),
                Some(kept) => (group(kept, Node::Any, false), exact),
            }
        }
    }
}

/// Settles parts and leaves out those that are `neutral`; none where one of them decides.
fn settled_each(parts: Vec<Node>, neutral: bool) -> (Option<Vec<Node>>, bool) {
    let mut kept = Vec::new();
    let mut exact = true;
    let mut decided = false;
    for part in parts {
        let (part, sure) = settled(part);
        exact &= sure;
        match part {
            Node::Truth(truth) if truth == neutral => {}
            Node::Truth(_) => decided = true,
            part => kept.push(part),
        }
    }
    ((!decided).then_some(kept), exact)
}

fn group(mut kept: Vec<Node>, many: fn(Vec<Node>) -> Node, neutral: bool) -> Node {
    match kept.len() {
        0 => Node::Truth(neutral),
        1 => kept.remove(0),
        _ => many(kept),
    }
}
