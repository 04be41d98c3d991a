//! Names of tools that a provider does not take: others for the way there, the client's own on the way back.

use std::sync::Arc;

use llmux_core::Result;

use super::{ChatAnswer, ChatRequest, Content, Event, Tool, ToolChoice};
use crate::stream::StreamReader;

/// Characters of a name that stay when it is made shorter: room for `_` and eight digits.
const TAIL: usize = 9;

/// What tools are called for a provider, and what the client calls them. Empty where all names are as they were.
#[derive(Clone, Debug, Default)]
pub struct ToolNames(Arc<[(String, String)]>);

impl ToolNames {
    /// Renames the tools of a request that are not made of letters, digits, `_` and `-`, or have more than `most` of
    /// them. A name always becomes the same other one, so that the prompt can be cached.
    #[must_use]
    pub fn fit(request: &mut ChatRequest, most: usize) -> Self {
        let mut pairs: Vec<(String, String)> = Vec::new();
        let mut names: Vec<&str> = request.tools.iter().filter_map(name_of).collect();
        let called = request.messages.iter().flat_map(|message| &message.parts);
        names.extend(called.filter_map(|part| match &part.content {
            Content::ToolCall(call) => Some(call.name.as_str()),
            _ => None,
        }));
        for name in names {
            if !fits(name, most) && !pairs.iter().any(|(_, own)| own == name) {
                pairs.push((other(name, most), name.to_owned()));
            }
        }
        let names = Self(pairs.into());
        if !names.0.is_empty() {
            names.apply(request);
        }
        names
    }

    fn apply(&self, request: &mut ChatRequest) {
        let rename = |name: &mut String| {
            if let Some((other, _)) = self.0.iter().find(|(_, own)| own == name) {
                other.clone_into(name);
            }
        };
        for tool in &mut request.tools {
            if let Tool::Function { name, .. } = tool {
                rename(name);
            }
        }
        if let Some(ToolChoice::Named(name)) = &mut request.tool_choice {
            rename(name);
        }
        for part in request.messages.iter_mut().flat_map(|message| &mut message.parts) {
            if let Content::ToolCall(call) = &mut part.content {
                rename(&mut call.name);
            }
        }
    }

    fn restore(&self, name: &mut String) {
        if let Some((_, own)) = self.0.iter().find(|(other, _)| other == name) {
            own.clone_into(name);
        }
    }

    /// A reader of whole answers that gives the client's names back.
    pub fn reading(
        &self,
        read: impl Fn(&[u8]) -> Result<ChatAnswer> + Send + 'static,
    ) -> impl Fn(&[u8]) -> Result<ChatAnswer> + Send + 'static {
        let names = self.clone();
        move |body| {
            let mut answer = read(body)?;
            if !names.0.is_empty() {
                for part in answer.choices.iter_mut().flat_map(|choice| &mut choice.parts) {
                    if let Content::ToolCall(call) = &mut part.content {
                        names.restore(&mut call.name);
                    }
                }
            }
            Ok(answer)
        }
    }

    /// The same for streams.
    pub fn watching<R: StreamReader>(&self, reader: R) -> Renamed<R> {
        Renamed { reader, names: self.clone() }
    }
}

/// A reader of streams that gives the client's names of tools back.
pub struct Renamed<R> {
    reader: R,
    names: ToolNames,
}

impl<R> Renamed<R> {
    fn restore(&self, events: &mut [Event]) {
        if self.names.0.is_empty() {
            return;
        }
        for event in events {
            if let Event::ToolCall { name, .. } = event {
                self.names.restore(name);
            }
        }
    }
}

impl<R: StreamReader> StreamReader for Renamed<R> {
    fn push(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<()> {
        let before = events.len();
        let pushed = self.reader.push(bytes, events);
        self.restore(events.get_mut(before..).unwrap_or_default());
        pushed
    }

    fn finish(&mut self, events: &mut Vec<Event>) -> Result<()> {
        let before = events.len();
        let finished = self.reader.finish(events);
        self.restore(events.get_mut(before..).unwrap_or_default());
        finished
    }
}

fn name_of(tool: &Tool) -> Option<&str> {
    match tool {
        Tool::Function { name, .. } => Some(name),
        Tool::Opaque { .. } => None,
    }
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

fn fits(name: &str, most: usize) -> bool {
    name.len() <= most && name.chars().all(is_plain)
}

/// The beginning of a name, and what tells it from every other.
fn other(name: &str, most: usize) -> String {
    const BASIS: u32 = 0x811C_9DC5;
    const PRIME: u32 = 0x0100_0193;
    // FNV-1a: nothing secret depends on it.
    let digest = name.bytes().fold(BASIS, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(PRIME));
    let kept = name.chars().map(|c| if is_plain(c) { c } else { '_' }).take(most.saturating_sub(TAIL));
    format!("{}_{digest:08x}", kept.collect::<String>())
}

#[cfg(test)]
mod tests {
    use llmux_core::Dialect;

    use super::*;
    use crate::chat::{Choice, Message, Part, Role, ToolCall};

    fn tool(name: &str) -> Tool {
        Tool::Function { name: name.into(), description: None, parameters: None, strict: None, cache: None }
    }

    fn call(name: &str) -> Part {
        Part::new(Content::ToolCall(ToolCall { id: "1".into(), name: name.into(), arguments: String::new() }))
    }

    struct Said(&'static str);

    impl StreamReader for Said {
        fn push(&mut self, _: &[u8], events: &mut Vec<Event>) -> Result<()> {
            events.push(Event::ToolCall { choice: 0, call: 0, id: "1".into(), name: self.0.into() });
            Ok(())
        }

        fn finish(&mut self, _: &mut Vec<Event>) -> Result<()> {
            Ok(())
        }
    }

    #[test]
    fn long_and_odd_names_are_changed_for_the_provider_and_restored_for_the_client() {
        let long = "mcp__server__".to_owned() + &"x".repeat(80);
        let longer = long.clone() + "y";
        let mut request = ChatRequest::new(Dialect::Anthropic, "m");
        request.tools = vec![tool(&long), tool(&longer), tool("a.b"), tool("fine")];
        request.tool_choice = Some(ToolChoice::Named(long.clone()));
        request.messages.push(Message::new(Role::Assistant, vec![call(&long)]));
        let names = ToolNames::fit(&mut request, 64);
        let sent: Vec<_> = request.tools.iter().filter_map(name_of).map(str::to_owned).collect();
        assert!(sent.iter().all(|name| fits(name, 64)), "{sent:?}");
        assert!(sent[0].len() == 64 && sent[0] != sent[1] && sent[2].starts_with("a_b_"));
        assert_eq!(sent[3], "fine");
        assert_eq!(request.tool_choice, Some(ToolChoice::Named(sent[0].clone())));
        assert_eq!(request.messages[0].parts[0], call(&sent[0]));

        let answered = sent[2].clone();
        let read = names.reading(move |_| {
            let choice = Choice { parts: vec![call(&answered)], ..Choice::default() };
            Ok(ChatAnswer { choices: vec![choice], ..ChatAnswer::default() })
        });
        assert_eq!(read(b"").unwrap().choices[0].parts[0], call("a.b"));
        let mut events = Vec::new();
        let said: &'static str = Box::leak(sent[1].clone().into_boxed_str());
        names.watching(Said(said)).push(b"", &mut events).unwrap();
        assert!(matches!(&events[0], Event::ToolCall { name, .. } if *name == longer));
    }

    #[test]
    fn names_that_fit_stay() {
        let mut request = ChatRequest::new(Dialect::OpenAi, "m");
        request.tools = vec![tool("get_weather-2")];
        let before = request.clone();
        assert!(ToolNames::fit(&mut request, 64).0.is_empty());
        assert_eq!(request, before);
    }
}
