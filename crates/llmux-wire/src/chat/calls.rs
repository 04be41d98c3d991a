//! Calls that wait for their results, in dialects whose clients may leave ids out and go by name and order.

/// The open calls of a conversation.
#[derive(Default)]
pub(crate) struct Calls {
    open: Vec<(String, String)>,
    made: u32,
}

impl Calls {
    fn new_id(&mut self) -> String {
        self.made = self.made.saturating_add(1);
        format!("call_{}", self.made)
    }

    /// Notes a call of the tool `name`, and gives its id: the client's, or a new one.
    pub(crate) fn call(&mut self, id: Option<String>, name: &str) -> String {
        let id = id.filter(|id| !id.is_empty()).unwrap_or_else(|| self.new_id());
        self.open.push((id.clone(), name.to_owned()));
        id
    }

    /// Finds the call that a result answers: by its id, else by the tool, else the first that is open.
    pub(crate) fn result(&mut self, id: Option<String>, name: Option<&str>) -> String {
        let id = id.filter(|id| !id.is_empty());
        let at = self.open.iter().position(|(open, called)| match &id {
            Some(id) => id == open,
            None => name.is_none_or(|name| name == called),
        });
        let known = at.map(|at| self.open.remove(at).0);
        id.or(known).unwrap_or_else(|| self.new_id())
    }
}
