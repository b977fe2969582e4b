//! C and C++: every `src/*.c` and `src/*.cpp` with the SDK's sources, by zig or clang; the core module becomes a component
//! here.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Compiled, File, Language, New, NotCompiled, run};
use crate::plugin::carried;
use crate::plugin::project::Project;
use crate::plugin::toolchain::{Install, Missing, find};

const SDK: &str = "vendor/sandgate-sdk";

const TEMPLATE: [(&str, &str); 3] = [
    ("src/plugin.c", include_str!("../templates/c/src/plugin.c")),
    ("README.md", include_str!("../templates/c/README.md")),
    (
        ".github/workflows/ci.yml",
        include_str!("../templates/c/ci.yml"),
    ),
];

const INSTALL: Install = Install {
    debian: "sudo apt install clang lld wasi-libc libclang-rt-dev-wasm32",
    fedora: "sudo dnf install zig",
    arch: "sudo pacman -S zig",
    alpine: "apk add zig",
    macos: "brew install zig",
    anywhere: "pip install ziglang",
};

/// Of C and C++ alike.
const FLAGS: [&str; 6] = [
    "-O2",
    // Zig leaves assertions out at this level; a policy's are there to refuse.
    "-UNDEBUG",
    // A failed one says its place to the gateway before the run ends.
    "-D__assert_fail=sandgate_assert_fail",
    "-gline-tables-only",
    "-Wall",
    "-Wextra",
];

/// C, and C++ with the same SDK.
pub(super) struct C;

impl Language for C {
    fn key(&self) -> &'static str {
        "c"
    }
    fn name(&self) -> &'static str {
        "C"
    }
    fn mark(&self) -> &'static str {
        "src/plugin.c"
    }
    fn owns(&self, folder: &Path) -> bool {
        ["src/plugin.c", "src/plugin.cpp"]
            .iter()
            .any(|name| folder.join(name).is_file())
    }

    fn compile(&self, project: &Project) -> Result<Compiled, NotCompiled> {
        let sdk = project.folder.join(SDK);
        if !sdk.join("sandgate.h").is_file() {
            return Err(NotCompiled::Project(format!(
                "{} is not there: `sandgate plugin new` lays it into a new project, from which it can be copied",
                sdk.join("sandgate.h").display()
            )));
        }
        let module = project.folder.join("target").join("core.wasm");
        std::fs::create_dir_all(project.folder.join("target"))
            .map_err(|error| NotCompiled::Project(format!("target/ cannot be made: {error}")))?;
        let plus = sources(&project.folder, "src", "cpp")?;
        let mut objects = Vec::new();
        for source in &plus {
            let object = Path::new("target")
                .join(source.file_name().unwrap_or_default())
                .with_extension("cpp.o");
            let mut command = compiler(&project.folder, true)?;
            command
                // An exception has nowhere to go, and the contract knows no types at run time.
                .args(["-std=c++20", "-fno-exceptions", "-fno-rtti", "-c"])
                .args(FLAGS)
                .args(["-I", SDK, "-o"])
                .args([object.as_path(), source.as_path()])
                .current_dir(&project.folder);
            if !run(&mut command)?.status.success() {
                return Err(NotCompiled::Errors);
            }
            objects.push(object);
        }
        let mut command = compiler(&project.folder, !plus.is_empty())?;
        command
            .arg("-mexec-model=reactor")
            // Unless told, zig takes sixteen megabytes of stack.
            .arg("-Wl,-z,stack-size=262144")
            .args(["-I", SDK, "-o", "target/core.wasm"])
            // The contract's types, which the component is encoded by.
            .args(sources(&project.folder, SDK, "o")?)
            .args(objects)
            .args(["-x", "c", "-std=c11"])
            .args(FLAGS)
            .args(sources(&project.folder, "src", "c")?)
            .args(sources(&project.folder, SDK, "c")?)
            .current_dir(&project.folder);
        if !run(&mut command)?.status.success() {
            return Err(NotCompiled::Errors);
        }
        let wasm = std::fs::read(&module).map_err(|error| {
            NotCompiled::Project(format!("{} cannot be read: {error}", module.display()))
        })?;
        Ok(Compiled {
            wasm,
            sdk: version(&sdk.join("sandgate.h"))
                .map(|version| ("sandgate-sdk-c".to_owned(), version)),
        })
    }

    fn template(&self, new: &New) -> Vec<File> {
        let mut files: Vec<_> = TEMPLATE
            .iter()
            .map(|(path, text)| File::new(*path, new.render(text)))
            .collect();
        files.extend(carried::c(SDK));
        files
    }
}

/// The first of these that is here: zig as a program, zig as a Python package, clang with a C library for WASI.
fn compiler(folder: &Path, plus: bool) -> Result<Command, NotCompiled> {
    let (driver, alone) = match plus {
        true => ("c++", "clang++"),
        false => ("cc", "clang"),
    };
    let own = [folder.join(".venv/bin")];
    if let Some(zig) = find("zig", &own) {
        let mut command = Command::new(absolute(&zig));
        command.args([driver, "-target", "wasm32-wasi"]);
        return Ok(command);
    }
    if let Some(python) = find("python3", &own) {
        let python = absolute(&python);
        let has = Command::new(&python)
            .args(["-c", "import ziglang"])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if has.is_ok_and(|status| status.success()) {
            let mut command = Command::new(&python);
            command.args(["-m", "ziglang", driver, "-target", "wasm32-wasi"]);
            return Ok(command);
        }
    }
    let library = Path::new("/usr/lib/wasm32-wasi/libc.a");
    if let (true, Some(clang)) = (library.is_file(), find(alone, &own)) {
        let mut command = Command::new(clang);
        command.arg("--target=wasm32-wasi");
        return Ok(command);
    }
    Err(Missing {
        what: "zig, or clang with wasi-libc, which compiles C for WebAssembly,".into(),
        install: INSTALL.here(),
    }
    .into())
}

/// The command runs in the project's folder.
fn absolute(program: &Path) -> PathBuf {
    std::path::absolute(program).unwrap_or_else(|_| program.to_owned())
}

/// Files of a folder by their ending, by name, as paths from the project's folder.
fn sources(project: &Path, folder: &str, ending: &str) -> Result<Vec<PathBuf>, NotCompiled> {
    let read = || -> std::io::Result<Vec<PathBuf>> {
        let mut all = Vec::new();
        for entry in std::fs::read_dir(project.join(folder))? {
            let path = Path::new(folder).join(entry?.file_name());
            if path.extension().is_some_and(|end| end == ending) {
                all.push(path);
            }
        }
        all.sort();
        Ok(all)
    };
    read().map_err(|error| NotCompiled::Project(format!("{folder}/ cannot be read: {error}")))
}

/// `#define SANDGATE_SDK_VERSION "0.1.0"`.
fn version(header: &Path) -> Option<String> {
    let text = std::fs::read_to_string(header).ok()?;
    let rest = text.split("#define SANDGATE_SDK_VERSION \"").nth(1)?;
    Some(rest.split('"').next()?.to_owned())
}
