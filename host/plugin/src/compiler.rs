//! Turns components into machine code, in a child process of its own: that a compiler takes for
//! ever, or all the memory, over a file made for that purpose is outside of what the engine
//! promises.
//!
//! The child is this very program with a hidden command. It has no environment, takes the component
//! from its stdin, limits its own time and memory before it looks at it, and answers with the code
//! and its digest on stdout. What it answers is as trustworthy as what this process would have
//! compiled itself, no more.

use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use fedhost_domain::model::Sha256Hex;

use super::engine::{Engine, Make, config};
use super::limits::Limits;
use super::refusal::Reason;
use super::text::plain;

/// The hidden command of this program.
pub const COMMAND: &str = "compile-component";
/// Its option for code that counts its work.
pub const COUNTS_WORK: &str = "--counts-work";

/// Bytes of a compiler's message that are passed on.
const MESSAGE_MAX_BYTES: usize = 1000;
/// Digits of the digest in front of the code.
const DIGEST_BYTES: usize = 64;
/// Threads that compile at a time: each takes address space for its stack.
const THREADS_MAX: usize = 8;
/// Exit code of a child that does not take the component.
const INVALID: i32 = 1;

/// Where components are compiled.
#[derive(Clone, Debug)]
pub(super) enum Compiler {
    /// On the calling thread, without limits.
    Here,
    /// In a child process of this program.
    Child(PathBuf),
}

/// What a child is to keep to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of address space.
    pub memory_bytes: u64,
    /// Seconds of processor time, over all its threads.
    pub cpu_seconds: u64,
}

/// A child could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// The component cannot be compiled.
    #[error("{0}")]
    Invalid(String),
    /// Something else is wrong.
    #[error("{0}")]
    Failed(String),
}

impl Compiler {
    /// Machine code for an engine of the same make on this machine.
    pub(super) fn compile(
        &self,
        engine: &Engine,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<Vec<u8>, Reason> {
        match self {
            Self::Here => engine
                .wasm()
                .precompile_component(bytes)
                .map_err(|error| invalid(&in_words(&error))),
            Self::Child(program) => in_child(program, bytes, limits),
        }
    }
}

fn in_words(error: &wasmtime::Error) -> String {
    plain(&error.root_cause().to_string(), MESSAGE_MAX_BYTES)
}

fn invalid(words: &str) -> Reason {
    Reason::Invalid(plain(words, MESSAGE_MAX_BYTES))
}

fn in_child(program: &Path, bytes: &[u8], limits: &Limits) -> Result<Vec<u8>, Reason> {
    let failed = |error: std::io::Error| {
        Reason::Compiler(format!("the compiler cannot be started: {error}"))
    };
    let child = start(program, limits).map_err(failed)?;
    let answer = converse(child, bytes, limits).map_err(failed)?;
    let Some(status) = answer.status else {
        return Err(too_slow(limits));
    };
    if !status.success() {
        return Err(why(status, &answer.complaint, limits));
    }
    let (digest, code) = answer
        .code
        .split_at_checked(DIGEST_BYTES)
        .unwrap_or_default();
    if digest != Sha256Hex::of(code).as_str().as_bytes() {
        return Err(Reason::Compiler(
            "the compiler's answer is damaged".to_owned(),
        ));
    }
    Ok(code.to_vec())
}

fn start(program: &Path, limits: &Limits) -> std::io::Result<Child> {
    let threads = thread::available_parallelism()
        .map_or(1, std::num::NonZero::get)
        .min(THREADS_MAX);
    let seconds = limits
        .compile_ms
        .div_ceil(1000)
        .saturating_mul(threads as u64);
    let mut command = Command::new(program);
    command
        .arg(COMMAND)
        .arg(limits.compile_memory_bytes.to_string())
        .arg(seconds.to_string());
    if Make::of(limits).counts_work() {
        command.arg(COUNTS_WORK);
    }
    // Each thread's own arena would take address space that nothing is ever put in.
    command
        .env_clear()
        .env("RAYON_NUM_THREADS", threads.to_string())
        .env("MALLOC_ARENA_MAX", "2");
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

#[derive(Default)]
struct Answer {
    /// `None` when its time was up.
    status: Option<ExitStatus>,
    code: Vec<u8>,
    complaint: String,
}

/// Hands the component over and waits for the answer, no longer than allowed.
fn converse(mut child: Child, bytes: &[u8], limits: &Limits) -> std::io::Result<Answer> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let code_max = limits.compile_memory_bytes;
    thread::scope(|scope| {
        scope.spawn(move || {
            // A child that has given up does not listen to the end; it says why.
            stdin.map(|mut stdin| stdin.write_all(bytes))
        });
        let complaint = scope.spawn(move || read(stderr, MESSAGE_MAX_BYTES as u64));
        let (done, is_done) = mpsc::sync_channel(1);
        scope.spawn(move || done.send(read(stdout, code_max)));
        let code = is_done.recv_timeout(Duration::from_millis(limits.compile_ms));
        if code.is_err() {
            child.kill()?;
        }
        let status = child.wait()?;
        let complaint = complaint.join().unwrap_or_default();
        let complaint = String::from_utf8_lossy(&complaint).into_owned();
        Ok(match code {
            Ok(code) => Answer {
                status: Some(status),
                code,
                complaint,
            },
            Err(_) => Answer {
                status: None,
                complaint,
                ..Answer::default()
            },
        })
    })
}

fn read(from: Option<impl Read>, max: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What was read before an error tells as much as there is to know.
    from.and_then(|from| from.take(max).read_to_end(&mut bytes).ok());
    bytes
}

fn too_slow(limits: &Limits) -> Reason {
    let ms = limits.compile_ms;
    Reason::Compiler(format!(
        "compiling it took longer than {ms} ms\nhint: raise limits.compile_ms"
    ))
}

/// The words of Rust's allocator, the engine, the operating system, and of a thread that found no
/// room for its stack.
const OUT_OF_MEMORY: [&str; 4] = [
    "memory allocation of",
    "out of memory",
    "Cannot allocate memory",
    "Resource temporarily unavailable",
];

fn why(status: ExitStatus, complaint: &str, limits: &Limits) -> Reason {
    let complaint = complaint.trim();
    let complaint = complaint.strip_prefix("error: ").unwrap_or(complaint);
    if OUT_OF_MEMORY.iter().any(|words| complaint.contains(words)) {
        let bytes = limits.compile_memory_bytes;
        let hint = "hint: raise limits.compile_memory_bytes";
        return Reason::Compiler(format!(
            "compiling it needed more than {bytes} bytes of memory\n{hint}"
        ));
    }
    match status.code() {
        Some(INVALID) => invalid(complaint),
        Some(code) => Reason::Compiler(format!(
            "the compiler failed with exit code {code}: {}",
            plain(complaint, 300)
        )),
        None if was_out_of_time(status) => too_slow(limits),
        None => Reason::Compiler(format!(
            "the compiler was ended ({status}): {}",
            plain(complaint, 300)
        )),
    }
}

#[cfg(unix)]
fn was_out_of_time(status: ExitStatus) -> bool {
    use std::os::unix::process::ExitStatusExt as _;
    let signal = status
        .signal()
        .and_then(rustix::process::Signal::from_named_raw);
    signal == Some(rustix::process::Signal::XCPU)
}

#[cfg(not(unix))]
fn was_out_of_time(_status: ExitStatus) -> bool {
    false
}

/// The child's side: reads a component from `input`, writes code to `output`. Limits the whole
/// process it runs in.
///
/// # Errors
/// It is no component, or the limits cannot be set.
pub fn compile(
    bounds: Bounds,
    counts_work: bool,
    mut input: impl Read,
    mut output: impl std::io::Write,
) -> Result<(), ChildError> {
    let failed = |error: &dyn std::fmt::Display| ChildError::Failed(error.to_string());
    bind(bounds).map_err(|error| failed(&error))?;
    let mut bytes = Vec::new();
    input
        .read_to_end(&mut bytes)
        .map_err(|error| failed(&error))?;
    let make = Make::new(Limits::default().stack_bytes, counts_work);
    let engine = wasmtime::Engine::new(&config(make)).map_err(|error| failed(&error))?;
    let code = engine
        .precompile_component(&bytes)
        .map_err(|error| ChildError::Invalid(in_words(&error)))?;
    let digest = Sha256Hex::of(&code);
    let mut write = |bytes: &[u8]| output.write_all(bytes).map_err(|error| failed(&error));
    write(digest.as_str().as_bytes())?;
    write(&code)
}

#[cfg(unix)]
fn bind(bounds: Bounds) -> std::io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let Bounds {
        memory_bytes,
        cpu_seconds,
    } = bounds;
    // A little more until it is killed rather than asked, so that it is known what ended it.
    let limits = [
        (Resource::As, memory_bytes, memory_bytes),
        (Resource::Cpu, cpu_seconds, cpu_seconds.saturating_add(1)),
        (Resource::Core, 0, 0),
        (Resource::Fsize, 0, 0),
    ];
    for (resource, soft, hard) in limits {
        setrlimit(
            resource,
            Rlimit {
                current: Some(soft),
                maximum: Some(hard),
            },
        )?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn bind(_bounds: Bounds) -> std::io::Result<()> {
    Ok(())
}

/// The program that is running, which stays the same when its file is replaced.
///
/// # Errors
/// The operating system does not tell.
pub fn this_program() -> std::io::Result<PathBuf> {
    let itself = PathBuf::from("/proc/self/exe");
    if itself.exists() {
        Ok(itself)
    } else {
        std::env::current_exe()
    }
}
