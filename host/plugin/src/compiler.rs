//! Compiles components to machine code, in a child process: the engine does not promise that its
//! compiler needs bounded time and memory for a malicious file.
//!
//! The child is this program with a hidden command. It has no environment, reads the component from
//! stdin, limits its own time and memory before it parses it, and writes what it found, then the
//! digest of the code, then the code. Its output is trusted exactly as code that this process
//! compiled itself.

use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use fedhost_domain::model::Sha256Hex;

use super::engine::{Engine, EngineProfile, config};
use super::limits::Limits;
use super::refusal::Reason;
use super::scan::{Scan, ScanError};
use super::text::plain;

/// The hidden command of this program.
pub const COMMAND: &str = "compile-component";
/// Its option for code that counts fuel.
pub const COUNTS_WORK: &str = "--counts-work";
/// Its option for a look at the component without compiling it.
pub const SCAN_ONLY: &str = "--scan-only";

/// Bytes of a compiler's message that are passed on.
const MESSAGE_MAX_BYTES: usize = 1000;
/// Bytes of the length in front of the scan.
const LENGTH_BYTES: usize = 8;
/// Digits of the digest in front of the code.
const DIGEST_BYTES: usize = 64;
/// Threads that compile at a time: each takes address space for its stack.
const THREADS_MAX: usize = 8;
/// Exit code of a child that refuses the component.
const INVALID: i32 = 1;

/// Where components are compiled.
#[derive(Clone, Debug)]
pub(super) enum Compiler {
    /// On the calling thread, without limits.
    Here,
    /// In a child process of this program.
    Child(PathBuf),
}

/// The limits of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of address space.
    pub memory_bytes: u64,
    /// Seconds of processor time, over all its threads.
    pub cpu_seconds: u64,
}

/// What a child does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// The code counts fuel.
    pub counts_work: bool,
    /// The component is only scanned.
    pub scan_only: bool,
}

/// Why a child failed.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ChildError {
    /// The component is invalid.
    #[error("{0}")]
    Invalid(String),
    /// Any other failure.
    #[error("{0}")]
    Failed(String),
}

impl Compiler {
    /// Scans a component, and returns its machine code for an engine of the same profile on this
    /// machine. Refuses, before it compiles, a component that this host cannot link.
    pub(super) fn compile(
        &self,
        engine: &Engine,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<Vec<u8>, Reason> {
        match self {
            Self::Here => {
                Scan::of(bytes)?.check()?;
                engine
                    .wasm()
                    .precompile_component(bytes)
                    .map_err(|error| invalid(&root_cause(&error)))
            }
            Self::Child(program) => {
                let output = in_child(program, bytes, limits, false)?;
                let (scan, rest) = split_scan(&output)?;
                scan?.check()?;
                verified(rest).map(<[u8]>::to_vec)
            }
        }
    }

    /// Scans a component, whatever it imports and exports.
    pub(super) fn scan(&self, bytes: &[u8], limits: &Limits) -> Result<Scan, Reason> {
        match self {
            Self::Here => Ok(Scan::of(bytes)?),
            Self::Child(program) => {
                let output = in_child(program, bytes, limits, true)?;
                Ok(split_scan(&output)?.0?)
            }
        }
    }
}

fn root_cause(error: &wasmtime::Error) -> String {
    plain(&error.root_cause().to_string(), MESSAGE_MAX_BYTES)
}

fn invalid(message: &str) -> Reason {
    Reason::Invalid(plain(message, MESSAGE_MAX_BYTES))
}

fn failed(reason: String) -> Reason {
    Reason::Compiler { reason, hint: None }
}

/// Splits a child's output behind the scan.
fn split_scan(output: &[u8]) -> Result<(Result<Scan, ScanError>, &[u8]), Reason> {
    let (length, rest) = output.split_at_checked(LENGTH_BYTES).ok_or_else(damaged)?;
    let length = length
        .try_into()
        .ok()
        .and_then(|length| usize::try_from(u64::from_le_bytes(length)).ok())
        .ok_or_else(damaged)?;
    let (scan, code) = rest.split_at_checked(length).ok_or_else(damaged)?;
    let scan = serde_json::from_slice(scan).map_err(|_| damaged())?;
    Ok((scan, code))
}

/// Returns the code behind its digest.
fn verified(output: &[u8]) -> Result<&[u8], Reason> {
    let (digest, code) = output.split_at_checked(DIGEST_BYTES).ok_or_else(damaged)?;
    if digest != Sha256Hex::of(code).as_str().as_bytes() {
        return Err(damaged());
    }
    Ok(code)
}

fn damaged() -> Reason {
    failed("the compiler's output is damaged".to_owned())
}

/// Returns the whole output of a child that succeeded.
fn in_child(
    program: &Path,
    bytes: &[u8],
    limits: &Limits,
    scan_only: bool,
) -> Result<Vec<u8>, Reason> {
    let unavailable =
        |error: std::io::Error| failed(format!("the compiler cannot be started: {error}"));
    let child = start(program, limits, scan_only).map_err(unavailable)?;
    let output = exchange(child, bytes, limits).map_err(unavailable)?;
    let Some(status) = output.status else {
        return Err(too_slow(limits));
    };
    if let Ok((Err(refused), _)) = split_scan(&output.bytes) {
        return Err(refused.into());
    }
    if !status.success() {
        return Err(failure_reason(status, &output.stderr, limits));
    }
    Ok(output.bytes)
}

fn start(program: &Path, limits: &Limits, scan_only: bool) -> std::io::Result<Child> {
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
    if EngineProfile::of(limits).counts_work() {
        command.arg(COUNTS_WORK);
    }
    if scan_only {
        command.arg(SCAN_ONLY);
    }
    // An arena for each thread would reserve address space without using it.
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

struct ChildOutput {
    /// `None` if the child exceeded its time.
    status: Option<ExitStatus>,
    bytes: Vec<u8>,
    stderr: String,
}

/// Writes the component to the child, and reads its output until the time is over.
fn exchange(mut child: Child, bytes: &[u8], limits: &Limits) -> std::io::Result<ChildOutput> {
    let stdin = child.stdin.take();
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();
    let code_max = limits.compile_memory_bytes;
    thread::scope(|scope| {
        scope.spawn(move || {
            // A child that fails early closes its stdin; its stderr has the reason.
            stdin.map(|mut stdin| stdin.write_all(bytes))
        });
        let stderr = scope.spawn(move || read(stderr, MESSAGE_MAX_BYTES as u64));
        let (done, is_done) = mpsc::sync_channel(1);
        scope.spawn(move || done.send(read(stdout, code_max)));
        let code = is_done.recv_timeout(Duration::from_millis(limits.compile_ms));
        if code.is_err() {
            child.kill()?;
        }
        let status = child.wait()?;
        let stderr = stderr.join().unwrap_or_default();
        let stderr = String::from_utf8_lossy(&stderr).into_owned();
        Ok(match code {
            Ok(bytes) => ChildOutput {
                status: Some(status),
                bytes,
                stderr,
            },
            Err(_) => ChildOutput {
                status: None,
                bytes: Vec::new(),
                stderr,
            },
        })
    })
}

fn read(from: Option<impl Read>, max: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    // After an error, the bytes before it are still useful.
    from.and_then(|from| from.take(max).read_to_end(&mut bytes).ok());
    bytes
}

fn too_slow(limits: &Limits) -> Reason {
    let ms = limits.compile_ms;
    Reason::Compiler {
        reason: format!("compiling it took longer than {ms} ms"),
        hint: Some("raise limits.compile_ms"),
    }
}

/// Messages of Rust's allocator, the engine, the operating system, and of a thread that could not
/// allocate its stack.
const OUT_OF_MEMORY: [&str; 4] = [
    "memory allocation of",
    "out of memory",
    "Cannot allocate memory",
    "Resource temporarily unavailable",
];

fn failure_reason(status: ExitStatus, stderr: &str, limits: &Limits) -> Reason {
    let message = stderr.trim();
    let message = message.strip_prefix("error: ").unwrap_or(message);
    if OUT_OF_MEMORY.iter().any(|known| message.contains(known)) {
        let bytes = limits.compile_memory_bytes;
        return Reason::Compiler {
            reason: format!("compiling it needed more than {bytes} bytes of memory"),
            hint: Some("raise limits.compile_memory_bytes"),
        };
    }
    match status.code() {
        Some(INVALID) => invalid(message),
        Some(code) => failed(format!(
            "the compiler failed with exit code {code}: {}",
            plain(message, 300)
        )),
        None if was_out_of_time(status) => too_slow(limits),
        None => failed(format!(
            "the compiler was killed ({status}): {}",
            plain(message, 300)
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

/// Runs in the child: reads a component from `input`, and writes what it found and the code to
/// `output`. A component that this host cannot link is not compiled. Limits the whole process.
///
/// # Errors
/// The input is no component, or the limits cannot be set.
pub fn compile(
    bounds: Bounds,
    task: Task,
    mut input: impl Read,
    mut output: impl std::io::Write,
) -> Result<(), ChildError> {
    bind(bounds).map_err(child_failed)?;
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes).map_err(child_failed)?;
    let scan = Scan::of(&bytes);
    let found = serde_json::to_vec(&scan).map_err(child_failed)?;
    let mut write = |bytes: &[u8]| output.write_all(bytes).map_err(child_failed);
    write(&(found.len() as u64).to_le_bytes())?;
    write(&found)?;
    let scan = scan.map_err(|refused| ChildError::Invalid(Reason::from(refused).to_string()))?;
    if task.scan_only || scan.check().is_err() {
        return Ok(());
    }
    let profile = EngineProfile::new(Limits::default().stack_bytes, task.counts_work);
    let engine = wasmtime::Engine::new(&config(profile)).map_err(child_failed)?;
    let code = engine
        .precompile_component(&bytes)
        .map_err(|error| ChildError::Invalid(root_cause(&error)))?;
    write(Sha256Hex::of(&code).as_str().as_bytes())?;
    write(&code)
}

fn child_failed(error: impl std::fmt::Display) -> ChildError {
    ChildError::Failed(error.to_string())
}

#[cfg(unix)]
fn bind(bounds: Bounds) -> std::io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let Bounds {
        memory_bytes,
        cpu_seconds,
    } = bounds;
    // The hard limit is a second later, so that the signal of the soft limit shows the reason.
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

/// Returns the path of the running program, which stays valid when its file is replaced.
///
/// # Errors
/// The operating system does not provide it.
pub fn this_program() -> std::io::Result<PathBuf> {
    let itself = PathBuf::from("/proc/self/exe");
    if itself.exists() {
        Ok(itself)
    } else {
        std::env::current_exe()
    }
}
