//! Queries whose conditions depend on what is asked for.

use sqlx::{Any, AssertSqlSafe, any::AnyArguments, query::Query};

#[derive(Clone)]
enum Value {
    Text(String),
    Number(i64),
}

/// Conditions of a query, with the values that they compare with. Their text comes from this crate alone: values are
/// always bound.
#[derive(Clone, Default)]
pub(crate) struct Conditions {
    text: String,
    values: Vec<Value>,
}

impl Conditions {
    fn add(&mut self, condition: &'static str, value: Value) {
        self.values.push(value);
        let place = format!("${}", self.values.len());
        self.text.push_str(if self.text.is_empty() { " WHERE " } else { " AND " });
        self.text.push_str(&condition.replace("{}", &place));
    }

    /// Adds a condition in which `{}` stands for the value.
    pub(crate) fn text(&mut self, condition: &'static str, value: impl Into<String>) {
        self.add(condition, Value::Text(value.into()));
    }

    /// The same if there is a value.
    pub(crate) fn maybe(&mut self, condition: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(condition, value);
        }
    }

    /// Adds a condition in which `{}` stands for the number.
    pub(crate) fn number(&mut self, condition: &'static str, value: i64) {
        self.add(condition, Value::Number(value));
    }

    /// A query: what is before the conditions, and what is behind.
    pub(crate) fn query(&self, before: &str, behind: &str) -> Query<'static, Any, AnyArguments> {
        // Built of this crate's own words and the numbers of places.
        let query = sqlx::query(AssertSqlSafe(format!("{before}{}{behind}", self.text)));
        self.values.iter().fold(query, |query, value| match value {
            Value::Text(text) => query.bind(text.clone()),
            Value::Number(number) => query.bind(*number),
        })
    }
}

/// What a text is compared with by `LIKE … ESCAPE '!'` to be found anywhere inside.
pub(crate) fn anywhere(text: &str) -> String {
    let escaped = text.replace('!', "!!").replace('%', "!%").replace('_', "!_");
    format!("%{escaped}%")
}
