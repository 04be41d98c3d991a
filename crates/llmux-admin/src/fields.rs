//! What a request says, by its body and its query.

use llmux_core::{ControlRequest, Error, ErrorKind, KeyHash, Result, tenancy::Timestamp};
use llmux_db::{Page, Record};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

/// The fields of a body, and those of a query as texts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    pub(crate) fn read(request: &ControlRequest) -> Result<Self> {
        let mut fields = match request.body.as_ref() {
            b"" => Map::new(),
            body => {
                serde_json::from_slice(body).map_err(|_| wrong("the body must be a JSON object", "body"))?
            }
        };
        for pair in request.query.iter().flat_map(|query| query.split('&')).filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let plain =
                |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
            fields.entry(plain(name)).or_insert_with(|| plain(value).into());
        }
        Ok(Self(fields))
    }

    /// Takes a text away.
    pub(crate) fn take_text(&mut self, name: &str) -> Result<Option<String>> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
            Some(_) => Err(wrong(&format!("`{name}` must be a text"), name)),
        }
    }

    /// Takes a text away that must be there.
    pub(crate) fn need_text(&mut self, name: &str) -> Result<String> {
        self.take_text(name)?.ok_or_else(|| wrong(&format!("`{name}` is required"), name))
    }

    /// Takes a list of texts away, or one text.
    pub(crate) fn take_texts(&mut self, name: &str) -> Result<Vec<String>> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(vec![text]),
            Some(list) => serde_json::from_value(list)
                .map_err(|_| wrong(&format!("`{name}` must be a list of texts"), name)),
        }
    }

    /// Takes a number away, which may be written as a text.
    pub(crate) fn take_number(&mut self, name: &str) -> Result<Option<u32>> {
        let number = match self.0.remove(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text.parse().ok(),
            Some(value) => value.as_u64().and_then(|number| u32::try_from(number).ok()),
        };
        number.map(Some).ok_or_else(|| wrong(&format!("`{name}` must be a whole number"), name))
    }

    /// Takes a yes or no away, which may be written as a text.
    pub(crate) fn take_flag(&mut self, name: &str) -> Result<Option<bool>> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(_) => Err(wrong(&format!("`{name}` must be true or false"), name)),
        }
    }

    /// Takes a key away, by itself or by its hash.
    pub(crate) fn take_key(&mut self, name: &str) -> Result<Option<KeyHash>> {
        self.take_text(name)?.map(|text| hash(&text, name)).transpose()
    }

    /// Takes any value away.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// The names of what is set.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether something is set, be it to nothing.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// What is left, as a new identity.
    pub(crate) fn make<R: Record>(mut self, who: &str) -> Result<R> {
        let now = Timestamp::now().to_string();
        self.0.retain(|_, value| !value.is_null());
        for (name, value) in
            [("created_at", &*now), ("updated_at", &now), ("created_by", who), ("updated_by", who)]
        {
            self.set(name, value);
        }
        self.typed()
    }

    /// Changes an identity: what is set is set, and what is set to nothing is taken away.
    pub(crate) fn change<R: Record>(self, record: &mut R, who: &str) -> Result<()> {
        let mut all = Self(match serde_json::to_value(&*record) {
            Ok(Value::Object(fields)) => fields,
            _ => Map::new(),
        });
        all.0.retain(|_, value| !value.is_null());
        for (name, value) in self.0 {
            if value.is_null() { _ = all.0.remove(&name) } else { all.set(&name, value) }
        }
        all.set("updated_at", Timestamp::now().to_string());
        all.set("updated_by", who);
        *record = all.typed()?;
        Ok(())
    }

    fn typed<R: Record>(mut self) -> Result<R> {
        // LiteLLM keeps some settings in the metadata; clients may give them there, too.
        for name in ["model_rpm_limit", "model_tpm_limit", "tags"] {
            let nested = self.0.get_mut("metadata").and_then(Value::as_object_mut);
            if let Some(value) = nested.and_then(|metadata| metadata.remove(name)) {
                self.0.entry(name).or_insert(value);
            }
        }
        self.0.remove("budget_reset_at");
        serde_json::from_value(Value::Object(self.0)).map_err(|error| wrong(&error.to_string(), "body"))
    }
}

/// The hash that a client names, by a key or by itself.
pub(crate) fn hash(text: &str, param: &str) -> Result<KeyHash> {
    KeyHash::named(text).map_err(|_| wrong("not a key: expected `sk-…` or the hash of a key", param))
}

/// Where a page begins and how long it is, and its number.
pub(crate) fn paging(fields: &mut Fields, size: &str, default: u32, most: u32) -> Result<(u32, u32, u32)> {
    let page = fields.take_number("page")?.unwrap_or(1).max(1);
    let size = fields.take_number(size)?.unwrap_or(default).clamp(1, most);
    Ok((page, (page - 1).saturating_mul(size), size))
}

/// How many pages there are.
pub(crate) fn pages<T>(page: &Page<T>, size: u32) -> u64 {
    page.total.div_ceil(size.max(1).into())
}

pub(crate) fn wrong(message: &str, param: &str) -> Error {
    Error::client(ErrorKind::InvalidRequest, message).with_param(param)
}

pub(crate) fn missing(what: &str, param: &str) -> Error {
    Error::client(ErrorKind::NotFound, format!("{what} not found in database")).with_param(param)
}
