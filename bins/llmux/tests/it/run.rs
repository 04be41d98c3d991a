//! Running the binary.

use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// What a run printed and how it ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs `llmux` with these arguments and nothing on standard input, in an empty environment.
pub(crate) async fn llmux(args: &[&str]) -> Outcome {
    run(args, "", &[]).await
}

/// The same with something on standard input.
pub(crate) async fn llmux_with_input(args: &[&str], input: &str) -> Outcome {
    run(args, input, &[]).await
}

/// The same with some variables.
pub(crate) async fn llmux_with_env(args: &[&str], env: &[(&str, &str)]) -> Outcome {
    run(args, "", env).await
}

async fn run(args: &[&str], input: &str, env: &[(&str, &str)]) -> Outcome {
    let mut child = Command::new(env!("CARGO_BIN_EXE_llmux"))
        .args(args)
        .env_clear()
        .envs(env.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).await.ok();
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    Outcome {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}
