//! C, and languages that use its SDK: compiles every `src/*.c` and `src/*.cpp`, and `src/plugin.zig`, with the SDK's
//! sources, by zig or clang. The core module is made a component here.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::inclusion::leads_outside;
use super::{File, New, is_set, output_of, run};
use crate::cover::Ran;
use crate::language::{Beside, Compiled, Language, NotCompiled, Project, SourceFile};
use crate::toolchain::{Install, Missing, find};
use crate::vendored_sdk;

const SDK: &str = "vendor/sandgate-sdk";

/// The files by which a project of this language is recognized.
const MARKS: [&str; 3] = ["src/plugin.c", "src/plugin.cpp", "src/plugin.zig"];
const ZIG: &str = MARKS[2];
/// Where zig finds the SDK translated to its own language, as `@import("sandgate")`.
const TRANSLATED: &str = "target/sandgate.zig";

/// The compiler's flags, for C and C++.
const FLAGS: [&str; 6] = [
    "-O2",
    // Zig leaves assertions out at this level. A policy's assertions are there to refuse.
    "-UNDEBUG",
    // A failed assertion reports its place to the gateway before the run ends.
    "-D__assert_fail=sandgate_assert_fail",
    "-gline-tables-only",
    "-Wall",
    "-Wextra",
];

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

/// Where clang finds the C library for WASI.
const SYSTEM: [&str; 2] = ["/usr/lib/wasm32-wasi", "/usr/include/wasm32-wasi"];
/// The variables that name more folders of headers.
const PATHS: [&str; 4] = [
    "CPATH",
    "C_INCLUDE_PATH",
    "CPLUS_INCLUDE_PATH",
    "OBJC_INCLUDE_PATH",
];

/// C, C++ and Zig.
pub(super) struct C;

impl Language for C {
    fn key(&self) -> &'static str {
        "c"
    }
    fn name(&self) -> &'static str {
        "C"
    }
    fn mark(&self) -> &'static str {
        MARKS[0]
    }
    fn owns(&self, folder: &Path) -> bool {
        MARKS.iter().any(|mark| folder.join(mark).is_file())
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
        let compiler = Compiler::find(&project.folder)?;
        project.stages.end();
        let cpp = sources(&project.folder, "src", "cpp")?;
        let mut objects = Vec::new();
        for source in &cpp {
            objects.push(compiler.cpp(project, source)?);
        }
        if project.folder.join(ZIG).is_file() {
            objects.push(compiler.zig(project)?);
        }
        let mut command = compiler.c();
        command
            .args(["-std=c11", "-mexec-model=reactor"])
            .args(FLAGS)
            // Zig's default stack has 16 MiB.
            .arg("-Wl,-z,stack-size=262144")
            .args(has_hooks(project))
            .args(["-I", SDK, "-o", "target/core.wasm"])
            .args(sources(&project.folder, "src", "c")?)
            .args(sources(&project.folder, SDK, "c")?)
            // The contract's types, by which the component is encoded.
            .args(sources(&project.folder, SDK, "o")?)
            .args(objects)
            .current_dir(&project.folder);
        if !cpp.is_empty() {
            command.args(["-lc++", "-lc++abi"]);
        }
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

    fn beside(&self, project: &Project) -> Result<Option<Beside>, NotCompiled> {
        let compiler = Compiler::find(&project.folder)?;
        let sdk = project.folder.join(SDK);
        if is_set(&PATHS) || leads_outside(vec![project.folder.join("src"), sdk]) {
            return Ok(None);
        }
        match &compiler {
            Compiler::Zig(program, first) => {
                let mut version = Command::new(program);
                let version = output_of(version.args(*first).arg("version"))?;
                Ok(Some(Beside {
                    words: vec![
                        program.display().to_string(),
                        String::from_utf8_lossy(&version).into_owned(),
                    ],
                    ..Beside::default()
                }))
            }
            Compiler::Clang(program) => beside_clang(program),
        }
    }

    fn cover(&self, _: &Project) -> Result<Ran, NotCompiled> {
        Err(NotCompiled::Project(
            "a project in C has no tests of its own to count: its fixtures are its tests, and run in the sandbox alone; leave --coverage out".into(),
        ))
    }

    fn template(&self, new: &New) -> Vec<File> {
        TEMPLATE
            .iter()
            .map(|(path, text)| File::new(*path, new.render(text)))
            .collect()
    }
    fn sdk_folder(&self) -> &'static str {
        SDK
    }
    fn sdk(&self) -> &'static [SourceFile] {
        vendored_sdk::C
    }
}

/// What clang brings: the headers and libraries of the system, its own, and the linker. `None`: it does not say.
fn beside_clang(program: &Path) -> Result<Option<Beside>, NotCompiled> {
    let asked = |question: &str| {
        let mut clang = Command::new(program);
        let said = output_of(clang.args(["--target=wasm32-wasi", question]))?;
        Ok::<_, NotCompiled>(String::from_utf8_lossy(&said).trim().to_owned())
    };
    let version = asked("--version")?;
    let own = PathBuf::from(asked("-print-resource-dir")?);
    let linker = asked("-print-prog-name=wasm-ld")?;
    let Ok(linked) = output_of(Command::new(&linker).arg("--version")) else {
        return Ok(None);
    };
    if !own.is_dir() {
        return Ok(None);
    }
    let mut installed: Vec<_> = SYSTEM.iter().map(PathBuf::from).collect();
    installed.push(own);
    Ok(Some(Beside {
        words: vec![
            program.display().to_string(),
            version,
            linker,
            String::from_utf8_lossy(&linked).into_owned(),
        ],
        installed,
    }))
}

/// The definitions by which the SDK knows the manifest's hooks: one that no source defines does not link.
fn has_hooks(project: &Project) -> Vec<String> {
    let hooks = project.authored.manifest.hooks();
    let names = hooks.iter().map(|(hook, ..)| hook.as_str());
    names
        .map(|name| format!("-DSANDGATE_HAS_{}", name.to_uppercase().replace('-', "_")))
        .collect()
}

/// A compiler for WebAssembly.
enum Compiler {
    /// Zig: a program and its first arguments.
    Zig(PathBuf, &'static [&'static str]),
    /// Clang, with a C library for WASI on this system.
    Clang(PathBuf),
}

impl Compiler {
    /// Finds the first of these: zig as a program, zig as a Python package, clang with a C library for WASI.
    fn find(folder: &Path) -> Result<Self, NotCompiled> {
        let own = [folder.join(".venv/bin")];
        if let Some(zig) = find("zig", &own) {
            return Ok(Self::Zig(absolute(&zig), &[]));
        }
        if let Some(python) = find("python3", &own) {
            let python = absolute(&python);
            let has = Command::new(&python)
                .args(["-c", "import ziglang"])
                .stdin(Stdio::null())
                .stderr(Stdio::null())
                .status();
            if has.is_ok_and(|status| status.success()) {
                return Ok(Self::Zig(python, &["-m", "ziglang"]));
            }
        }
        let library = Path::new(SYSTEM[0]).join("libc.a");
        match find("clang", &own) {
            Some(clang) if library.is_file() => Ok(Self::Clang(absolute(&clang))),
            _ => Err(Missing {
                what: "zig, or clang with wasi-libc, which compiles C for WebAssembly,".into(),
                install: INSTALL.here(),
            }
            .into()),
        }
    }

    fn c(&self) -> Command {
        self.driver("cc", &[])
    }

    fn driver(&self, zig: &str, clang: &[&str]) -> Command {
        match self {
            Self::Zig(program, first) => {
                let mut command = Command::new(program);
                command.args(*first).args([zig, "-target", "wasm32-wasi"]);
                command
            }
            Self::Clang(program) => {
                let mut command = Command::new(program);
                command.arg("--target=wasm32-wasi").args(clang);
                command
            }
        }
    }

    /// Compiles a C++ file to an object.
    fn cpp(&self, project: &Project, source: &Path) -> Result<PathBuf, NotCompiled> {
        let object = Path::new("target").join(
            source
                .with_extension("cpp.o")
                .file_name()
                .unwrap_or_default(),
        );
        let mut command = self.driver("c++", &["--driver-mode=g++"]);
        command
            // Components have no C++ exceptions and no run-time type information.
            .args(["-std=c++20", "-fno-exceptions", "-fno-rtti"])
            .args(FLAGS)
            .args(["-I", SDK, "-c", "-o"])
            .arg(&object)
            .arg(source)
            .current_dir(&project.folder);
        match run(&mut command)?.status.success() {
            true => Ok(object),
            false => Err(NotCompiled::Errors),
        }
    }

    /// Compiles `src/plugin.zig` and what it imports to an object.
    fn zig(&self, project: &Project) -> Result<PathBuf, NotCompiled> {
        let Self::Zig(program, first) = self else {
            return Err(Missing {
                what: format!("zig, which compiles {ZIG},"),
                install: vec![INSTALL.anywhere.into()],
            }
            .into());
        };
        let zig = |verb: &str| {
            let mut command = Command::new(program);
            command
                .args(*first)
                .args([verb, "-target", "wasm32-wasi", "-lc"])
                .current_dir(&project.folder);
            command
        };
        self.translate(project, &mut zig("translate-c"))?;
        let object = PathBuf::from("target/plugin.zig.o");
        let mut command = zig("build-obj");
        command
            // Safety checks stay: an overflow ends the run, which then does not pass.
            .args(["-OReleaseSafe", "--dep", "sandgate"])
            .args([format!("-Mroot={ZIG}"), format!("-Msandgate={TRANSLATED}")])
            .arg(format!("-femit-bin={}", object.display()));
        match run(&mut command)?.status.success() {
            true => Ok(object),
            false => Err(NotCompiled::Errors),
        }
    }

    /// Translates the SDK's headers to zig, unless the translation is up to date: the first one takes zig a minute.
    fn translate(&self, project: &Project, zig: &mut Command) -> Result<(), NotCompiled> {
        let (header, made) = (
            // This header includes the other one.
            Path::new(SDK).join("sandgate_http.h"),
            project.folder.join(TRANSLATED),
        );
        let time = |path: &Path| {
            std::fs::metadata(path)
                .and_then(|meta| meta.modified())
                .ok()
        };
        let age = time(&made);
        if age.is_some() && age >= time(&project.folder.join(&header)) {
            return Ok(());
        }
        let output = run(zig.args(["-I", SDK]).arg(&header))?;
        if !output.status.success() {
            return Err(NotCompiled::Errors);
        }
        std::fs::write(&made, output.stdout).map_err(|error| {
            NotCompiled::Project(format!("{} cannot be written: {error}", made.display()))
        })
    }
}

/// The absolute path of a program, since the command runs in the project's folder.
fn absolute(program: &Path) -> PathBuf {
    std::path::absolute(program).unwrap_or_else(|_| program.to_owned())
}

/// The files of a folder with this extension, sorted by name, as paths from the project's folder.
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

/// The version in `#define SANDGATE_SDK_VERSION "0.1.0"`.
fn version(header: &Path) -> Option<String> {
    let text = std::fs::read_to_string(header).ok()?;
    let rest = text.split("#define SANDGATE_SDK_VERSION \"").nth(1)?;
    Some(rest.split('"').next()?.to_owned())
}
