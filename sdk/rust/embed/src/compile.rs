//! The compiler, run from within a build.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What guests are compiled for.
pub const TARGET: &str = "wasm32-wasip2";

/// Why there are no components.
#[derive(Debug, thiserror::Error)]
pub enum NotCompiled {
    /// The compiler cannot make WebAssembly.
    #[error("the Rust target {TARGET} is not installed; run: rustup target add {TARGET}")]
    NoTarget,
    /// No compiler.
    #[error("cannot run {command}: {error}")]
    Run {
        /// What was to be run.
        command: String,
        /// Why it was not.
        error: std::io::Error,
    },
    /// The compiler's own words.
    #[error("the plugins do not compile:\n{0}")]
    Errors(String),
}

/// Compiles packages of a workspace to components, with a target folder of their own: the build that asks for them
/// holds the lock of its own.
#[derive(Clone, Debug)]
pub struct Compiler {
    /// The folder of the workspace's `Cargo.toml`, which has a profile `guest`.
    pub workspace: PathBuf,
    /// The target folder.
    pub target: PathBuf,
}

impl Compiler {
    /// For a build script with this `OUT_DIR`: the target folder is `guests` beside the folders of the profiles.
    pub fn within(workspace: impl Into<PathBuf>, out_dir: &Path) -> Self {
        // …/<profile>/build/<package>-<hash>/out
        let target = out_dir.ancestors().nth(4).unwrap_or(out_dir).join("guests");
        Self {
            workspace: workspace.into(),
            target,
        }
    }

    /// Runs `cargo build` with these arguments (`-p NAME`, `--examples`) and gives the folder with the components.
    ///
    /// # Errors
    ///
    /// The target `wasm32-wasip2` is not installed, cargo cannot be started, or the build fails.
    pub fn build<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<PathBuf, NotCompiled> {
        self.target_is_installed()?;
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command
            .args([
                "build",
                "--quiet",
                "--profile",
                "guest",
                "--target",
                TARGET,
                "--target-dir",
            ])
            .arg(&self.target)
            .arg("--manifest-path")
            .arg(self.workspace.join("Cargo.toml"))
            .args(arguments)
            .current_dir(&self.workspace);
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_none_or(concerns_the_outer_build) {
                command.env_remove(name);
            }
        }
        // A profile that overrides something for one package loses its `strip` for that package.
        command.env("CARGO_TARGET_WASM32_WASIP2_RUSTFLAGS", "-Cstrip=debuginfo");
        let output = run(&mut command)?;
        if !output.status.success() {
            return Err(NotCompiled::Errors(
                String::from_utf8_lossy(&output.stderr).into_owned(),
            ));
        }
        Ok(self.target.join(TARGET).join("guest"))
    }

    fn target_is_installed(&self) -> Result<(), NotCompiled> {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let mut command = Command::new(rustc);
        command
            .args(["--print", "target-libdir", "--target", TARGET])
            .current_dir(&self.workspace);
        let output = run(&mut command)?;
        let folder = String::from_utf8_lossy(&output.stdout);
        // The compiler knows where the target would be, installed or not.
        if output.status.success() && Path::new(folder.trim()).is_dir() {
            Ok(())
        } else {
            Err(NotCompiled::NoTarget)
        }
    }
}

fn run(command: &mut Command) -> Result<std::process::Output, NotCompiled> {
    command.output().map_err(|error| NotCompiled::Run {
        command: command.get_program().to_string_lossy().into_owned(),
        error,
    })
}

/// Whether a variable would make the guests another way because of how the outer build was asked for: clippy's and
/// coverage's wrappers, flags for the host, another target folder, another profile. The job server, the registry's
/// settings and the tool chain go on.
fn concerns_the_outer_build(name: &str) -> bool {
    const NAMES: [&str; 13] = [
        "RUSTFLAGS",
        "RUSTDOCFLAGS",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_ENCODED_RUSTDOCFLAGS",
        "CARGO_TARGET_DIR",
        "CARGO_INCREMENTAL",
        "CARGO_PRIMARY_PACKAGE",
        "CARGO_MANIFEST_LINKS",
        "LLVM_PROFILE_FILE",
        "CLIPPY_ARGS",
        "__CARGO_DEFAULT_LIB_METADATA",
    ];
    const BEGINNINGS: [&str; 8] = [
        "CARGO_BUILD_",
        "CARGO_TARGET_",
        "CARGO_PROFILE_",
        "CARGO_CFG_",
        "CARGO_FEATURE_",
        "CARGO_PKG_",
        "CARGO_LLVM_COV",
        "DEP_",
    ];
    NAMES.contains(&name)
        || BEGINNINGS
            .iter()
            .any(|beginning| name.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_folder_lies_beside_the_profiles() {
        let compiler = Compiler::within("/w", Path::new("/w/target/debug/build/sandgate-0123/out"));
        assert_eq!(compiler.target, Path::new("/w/target/guests"));
    }

    #[test]
    fn wrappers_and_flags_of_the_outer_build_do_not_reach_the_guests() {
        for name in [
            "RUSTC_WORKSPACE_WRAPPER",
            "RUSTFLAGS",
            "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS",
        ] {
            assert!(concerns_the_outer_build(name), "{name}");
        }
        for name in [
            "PATH",
            "HOME",
            "CARGO_HOME",
            "CARGO_MAKEFLAGS",
            "RUSTUP_TOOLCHAIN",
            "CARGO_NET_OFFLINE",
        ] {
            assert!(!concerns_the_outer_build(name), "{name}");
        }
    }
}
