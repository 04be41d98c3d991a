//! Running the binary and talking to it.

use std::{
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    sync::watch,
    time::timeout,
};

/// How long something that must happen may take. Never reached when all is well.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a process has written to one of its streams so far.
struct Written(watch::Receiver<String>);

impl Written {
    fn follow(stream: impl AsyncRead + Send + Unpin + 'static) -> Self {
        let (sender, receiver) = watch::channel(String::new());
        tokio::spawn(async move {
            let mut lines = BufReader::new(stream).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                sender.send_modify(|text| {
                    text.push_str(&line);
                    text.push('\n');
                });
            }
        });
        Self(receiver)
    }

    fn text(&self) -> String {
        self.0.borrow().clone()
    }

    /// Waits until `found` holds of the text.
    async fn wait(&self, what: &str, found: impl Fn(&str) -> bool) -> String {
        let mut text = self.0.clone();
        let waited = timeout(PATIENCE, text.wait_for(|text| found(text))).await;
        match waited {
            Ok(Ok(text)) => text.clone(),
            _ => panic!("{what} was never written; so far:\n{}", self.text()),
        }
    }

    /// Waits until the process has closed the stream, and gives everything.
    async fn all(&self) -> String {
        let mut text = self.0.clone();
        let closed = async { while text.changed().await.is_ok() {} };
        timeout(PATIENCE, closed).await.expect("the stream is closed when the process ends");
        self.text()
    }
}

/// How a process ended and what it wrote.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: ExitStatus,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// How to start the binary.
#[derive(Default)]
pub(crate) struct Setup {
    files: Vec<(String, String)>,
    args: Vec<String>,
    env: Vec<(String, String)>,
    port: Option<u16>,
}

impl Setup {
    /// With this text as the configuration file.
    pub(crate) fn config(text: impl Into<String>) -> Self {
        Self::default().file("config.yaml", text)
    }

    /// A file in the folder of the configuration.
    pub(crate) fn file(mut self, name: &str, text: impl Into<String>) -> Self {
        self.files.push((name.to_owned(), text.into()));
        self
    }

    pub(crate) fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    pub(crate) fn args<const N: usize>(mut self, args: [&str; N]) -> Self {
        self.args.extend(args.map(str::to_owned));
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// With this port of the machine instead of a free one.
    pub(crate) fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    fn spawn(self) -> (Child, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_llmux-proxy"));
        command.args(["--port", &self.port.unwrap_or_default().to_string()]).args(&self.args);
        for (name, text) in &self.files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        if self.files.iter().any(|(name, _)| name == "config.yaml") {
            command.arg("--config").arg(folder.path().join("config.yaml"));
        }
        let child = command
            .env_clear()
            .envs(self.env)
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        (child, folder)
    }

    /// Starts it and waits until it listens.
    pub(crate) async fn start(self) -> Proxy {
        let (mut child, folder) = self.spawn();
        let out = Written::follow(child.stdout.take().unwrap());
        let err = Written::follow(child.stderr.take().unwrap());
        let mut text = out.0.clone();
        let ready = timeout(PATIENCE, text.wait_for(|text| text.contains("listening on "))).await;
        let Ok(Ok(text)) = ready else {
            panic!("the proxy did not start: {}", err.all().await);
        };
        let line = text.lines().find_map(|line| line.strip_prefix("listening on ")).unwrap().to_owned();
        drop(text);
        Proxy { child, folder, url: line, client: reqwest::Client::new(), out, err }
    }

    /// Runs it until it ends by itself.
    pub(crate) async fn run(self) -> Outcome {
        let (child, _folder) = self.spawn();
        let output = timeout(PATIENCE, child.wait_with_output()).await.expect("the process ends").unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Outcome { status: output.status, out: text(output.stdout), err: text(output.stderr) }
    }
}

/// A running proxy; dropping it kills the process.
pub(crate) struct Proxy {
    child: Child,
    folder: TempDir,
    pub(crate) url: String,
    pub(crate) client: reqwest::Client,
    out: Written,
    err: Written,
}

impl Proxy {
    /// A proxy that serves `model` from an OpenAI-compatible provider at `base`, without retries.
    pub(crate) async fn openai(base: &str) -> Self {
        Setup::config(openai_config(base)).start().await
    }

    /// Host and port.
    pub(crate) fn authority(&self) -> &str {
        self.url.split("://").nth(1).unwrap()
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.url))
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.url)).json(body)
    }

    /// A chat in OpenAI's dialect.
    pub(crate) async fn chat(&self, model: &str) -> Answer {
        Answer::of(self.post("/v1/chat/completions", &chat(model))).await
    }

    /// A request whose body is no JSON, or not quite.
    pub(crate) async fn post_text(&self, path: &str, body: impl Into<reqwest::Body>) -> Answer {
        let request = self.client.post(format!("{}{path}", self.url));
        Answer::of(request.header("content-type", "application/json").body(body)).await
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// Replaces a file in one step, as editors do.
    pub(crate) fn write(&self, file: &str, text: impl AsRef<[u8]>) {
        let draft = self.path(&format!("{file}.new"));
        std::fs::write(&draft, text).unwrap();
        std::fs::rename(draft, self.path(file)).unwrap();
    }

    /// Waits until the log holds this text and gives all of it.
    pub(crate) async fn wait_for_log(&self, text: &str) -> String {
        self.wait_for_log_times(text, 1).await
    }

    /// Waits until the log holds this text so often.
    pub(crate) async fn wait_for_log_times(&self, text: &str, times: usize) -> String {
        self.err.wait(text, |log| log.matches(text).count() >= times).await
    }

    /// Waits until the greeting is complete.
    pub(crate) async fn greeting(&self) -> String {
        self.out.wait("the end of the greeting", |text| text.contains("\"Hello from LLMux\"}]}'\n")).await
    }

    /// Sends a signal, such as `TERM`.
    pub(crate) async fn signal(&self, name: &str) {
        let pid = self.child.id().expect("the process runs").to_string();
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {pid}")]).status().await.unwrap();
        assert!(sent.success());
    }

    /// The memory that the process has allocated, in bytes; its code is not counted.
    pub(crate) fn resident(&self) -> u64 {
        let pid = self.child.id().expect("the process runs");
        let status =
            std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }

    /// Waits for the end of the process.
    pub(crate) async fn ended(mut self) -> Outcome {
        let status = timeout(PATIENCE, self.child.wait()).await.expect("the process ends").unwrap();
        Outcome { status, out: self.out.all().await, err: self.err.all().await }
    }
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        Self::read(request.send().await.unwrap()).await
    }

    pub(crate) async fn read(response: Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Status, type and code of an error in OpenAI's dialect.
    #[track_caller]
    pub(crate) fn openai_error(&self) -> (u16, String, String) {
        let body = self.json();
        let error = &body["error"];
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
        let word = |name: &str| error[name].as_str().unwrap_or_else(|| panic!("{name}: {body}")).to_owned();
        (self.status.as_u16(), word("type"), word("code"))
    }

    /// Status and type of an error in Anthropic's dialect.
    #[track_caller]
    pub(crate) fn anthropic_error(&self) -> (u16, String) {
        let body = self.json();
        assert_eq!(body["type"], "error", "{body}");
        assert!(body["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
        (self.status.as_u16(), body["error"]["type"].as_str().unwrap().to_owned())
    }

    /// The error's text in either dialect.
    #[track_caller]
    pub(crate) fn message(&self) -> String {
        self.json()["error"]["message"].as_str().unwrap().to_owned()
    }

    /// The data of each event of a stream.
    pub(crate) fn events(&self) -> Vec<&str> {
        self.text.lines().filter_map(|line| line.strip_prefix("data: ")).collect()
    }

    /// The text that a stream in OpenAI's dialect says.
    pub(crate) fn said(&self) -> String {
        let events = self.events().into_iter().filter_map(|data| serde_json::from_str::<Value>(data).ok());
        events
            .filter_map(|event| event["choices"][0]["delta"]["content"].as_str().map(str::to_owned))
            .collect()
    }
}

/// A deployment called `model` at an OpenAI-compatible provider, without retries and cooldowns.
pub(crate) fn openai_config(base: &str) -> String {
    format!(
        "model_list:\n  - model_name: model\n    litellm_params: {{model: openai/gpt-up, api_key: sk-up, \
         api_base: '{base}/v1'}}\n    model_info: {{id: first}}\nrouter_settings: \
         {{num_retries: 0, disable_cooldowns: true}}\n"
    )
}

/// The body of a chat in OpenAI's dialect.
pub(crate) fn chat(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "Hello"}]})
}

/// The same, streamed.
pub(crate) fn streamed(model: &str) -> Value {
    let mut body = chat(model);
    body["stream"] = true.into();
    body
}

/// The body of a chat in Anthropic's dialect.
pub(crate) fn message(model: &str) -> Value {
    json!({"model": model, "max_tokens": 64, "messages": [{"role": "user", "content": "Hello"}]})
}
