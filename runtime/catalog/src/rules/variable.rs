//! Variables that an entry sets: none that decides what its program loads, starts, trusts or connects to.

use sandgate_config::is_plain_variable;

use super::arguments::is_one_of;
use super::text::shown;
use crate::entry::Refusal;

/// Variables that change what program runs, what it loads or starts with, whom it trusts, or through which proxy it goes.
const STEERING: &str = "\
    PATH HOME SHELL ENV BASH_ENV IFS CDPATH PS4 PROMPT_COMMAND EDITOR VISUAL PAGER BROWSER TMPDIR HOSTALIASES \
    LOCPATH GCONV_PATH GLIBC_TUNABLES MALLOC_CHECK_ RES_OPTIONS PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONINSPECT \
    PYTHONEXECUTABLE PYTHONPLATLIBDIR PYTHONUSERBASE PYTHONBREAKPOINT PYTHONWARNINGS PYTHONPYCACHEPREFIX \
    PYTHONHTTPSVERIFY VIRTUAL_ENV PERL5LIB PERL5OPT PERL5DB PERLLIB RUBYLIB RUBYOPT GEM_HOME GEM_PATH \
    BUNDLE_GEMFILE CLASSPATH JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS JAVA_OPTS JAVA_HOME \
    DOTNET_STARTUP_HOOKS CORECLR_PROFILER CORECLR_PROFILER_PATH CORECLR_ENABLE_PROFILING LUA_PATH LUA_CPATH \
    LUA_INIT PHPRC PHP_INI_SCAN_DIR BUN_OPTIONS BUN_INSPECT OPENSSL_CONF OPENSSL_MODULES OPENSSL_ENGINES SSLKEYLOGFILE \
    DOCKER_HOST DOCKER_CONFIG CONTAINER_HOST SSH_AUTH_SOCK \
    SSH_ASKPASS DBUS_SESSION_BUS_ADDRESS";
/// Beginnings of such variables.
const STEERING_BEGINNINGS: &str = "LD_ DYLD_ NPM_CONFIG_ PIP_ UV_ GIT_ SANDGATE_ MALLOC_ BASH_FUNC_ XDG_ PODMAN_ NODE_ DENO_ SSL_CERT KRB5_";
/// What stands in such variables, and their end.
const STEERING_PARTS: [&str; 2] = ["_SSL_", "_CA_"];
const STEERING_END: &str = "_PROXY";
/// Variables that begin so and steer nothing.
const HARMLESS: &str = "NODE_ENV";

/// Judges a variable's name.
pub(crate) fn variable(name: &str) -> Result<(), Refusal> {
    if !is_plain_variable(name) {
        return Err(Refusal::of(format!(
            "{} is no variable's name",
            shown(name)
        )));
    }
    let upper = name.to_ascii_uppercase();
    let mut begins = STEERING_BEGINNINGS.split(' ');
    let steers = is_one_of(STEERING, &upper)
        || begins.any(|begin| upper.starts_with(begin))
        || STEERING_PARTS.iter().any(|part| upper.contains(part))
        || upper.ends_with(STEERING_END);
    let steers = steers && !is_one_of(HARMLESS, &upper);
    match steers {
        true => Err(Refusal::of(format!(
            "the variable {name} decides what its program loads, starts, trusts or connects to"
        ))),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn no_variable_steers_a_program() {
        for name in [
            "LD_PRELOAD",
            "ld_preload",
            "NODE_OPTIONS",
            "PATH",
            "Path",
            "PYTHONPATH",
            "BASH_ENV",
            "HTTPS_PROXY",
            "https_proxy",
            "SSL_CERT_FILE",
            "NODE_TLS_REJECT_UNAUTHORIZED",
            "GIT_SSH_COMMAND",
            "npm_config_registry",
            "UV_INDEX_URL",
            "SANDGATE_CHILD",
            "DYLD_INSERT_LIBRARIES",
            "JAVA_TOOL_OPTIONS",
            "DOCKER_HOST",
            "grpc_proxy",
            "GLOBAL_AGENT_HTTP_PROXY",
            "NODE_PENDING_DEPRECATION",
            "DENO_CERT",
            "NPM_SSL_STRICT",
            "FOO_CA_BUNDLE",
            "KRB5_CONFIG",
            "A=B",
            "1A",
            "A B",
            "",
        ] {
            assert!(variable(name).is_err(), "{name}");
        }
        for name in [
            "API_KEY",
            "NODE_ENV",
            "PATH_STYLE",
            "HOME_PAGE",
            "PYTHONUNBUFFERED",
            "LOG_LEVEL",
        ] {
            variable(name).unwrap();
        }
    }
}
