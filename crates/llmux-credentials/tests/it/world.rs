//! What credentials see of the world: variables, files, token services and the time, all made up.

use std::{
    collections::HashMap,
    io,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use http::Request;
use llmux_core::{Credentials, Environment, ProviderSettings, Result};
use llmux_credentials::Clock;
use llmux_testkit::ScriptedTransport;

/// 2015-08-30T12:36:00Z
pub(crate) const START: u64 = 1_440_938_160;

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) transport: ScriptedTransport,
    variables: Arc<Mutex<HashMap<String, String>>>,
    files: Arc<Mutex<HashMap<String, String>>>,
    now: Arc<Mutex<SystemTime>>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            transport: ScriptedTransport::new(),
            variables: Arc::default(),
            files: Arc::default(),
            now: Arc::new(Mutex::new(UNIX_EPOCH + Duration::from_secs(START))),
        }
    }

    pub(crate) fn variable(self, name: &str, value: &str) -> Self {
        self.variables.lock().unwrap().insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn file(self, path: &str, text: &str) -> Self {
        self.files.lock().unwrap().insert(path.to_owned(), text.to_owned());
        self
    }

    pub(crate) fn clock(&self) -> Clock {
        let now = Arc::clone(&self.now);
        Clock::new(move || *now.lock().unwrap())
    }

    pub(crate) fn pass(&self, seconds: u64) {
        *self.now.lock().unwrap() += Duration::from_secs(seconds);
    }

    pub(crate) fn settings(&self, options: &[(&str, &str)]) -> ProviderSettings {
        let (variables, files) = (Arc::clone(&self.variables), Arc::clone(&self.files));
        let read = move |path: &Path| {
            let path = path.display().to_string();
            let text = files.lock().unwrap().get(&path).cloned();
            text.map(String::into_bytes).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
        };
        let mut settings = ProviderSettings::default();
        settings.environment =
            Environment::new(move |name| variables.lock().unwrap().get(name).cloned()).with_files(read);
        settings.transport = Some(Arc::new(self.transport.clone()));
        for (name, value) in options {
            settings.options.set(*name, *value);
        }
        settings
    }
}

/// Signs a request and gives a header of it.
pub(crate) async fn signed(credentials: &dyn Credentials, header: &str) -> Result<String> {
    let mut request =
        Request::post("https://service.example.com/v1/x").body(Bytes::from_static(b"{}")).unwrap();
    credentials.sign(&mut request).await?;
    let value = request.headers().get(header).map(|value| value.to_str().unwrap().to_owned());
    Ok(value.unwrap_or_default())
}
