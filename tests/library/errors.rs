use std::error::Error as _;
use std::io;

use embedded_io::Error as _;
use update_lock::{Errno, Error, Holder, LockPath, Operation, UpdateLock};

/// One of each kind, with what becomes of it.
fn errors() -> Vec<(Error, io::ErrorKind, embedded_io::ErrorKind)> {
    use embedded_io::ErrorKind as Embedded;
    use io::ErrorKind as Io;
    let system = |operation, errno| Error::System { operation, errno };
    vec![
        (
            Error::Held(Holder::App),
            Io::WouldBlock,
            Embedded::AlreadyExists,
        ),
        (
            Error::Held(Holder::Foreign { uid: 7 }),
            Io::WouldBlock,
            Embedded::AlreadyExists,
        ),
        (Error::GivingWay, Io::WouldBlock, Embedded::Other),
        (
            Error::Nobody,
            Io::PermissionDenied,
            Embedded::PermissionDenied,
        ),
        (Error::NoLocation, Io::NotFound, Embedded::NotFound),
        (Error::PathTooLong, Io::InvalidInput, Embedded::InvalidInput),
        (Error::InvalidPath, Io::InvalidInput, Embedded::InvalidInput),
        (
            system(Operation::Create, Errno::NOENT),
            Io::NotFound,
            Embedded::NotFound,
        ),
        (
            system(Operation::Create, Errno::ACCESS),
            Io::PermissionDenied,
            Embedded::PermissionDenied,
        ),
        (
            system(Operation::Remove, Errno::ROFS),
            Io::ReadOnlyFilesystem,
            Embedded::Other,
        ),
        (
            system(Operation::Write, Errno::NOSPC),
            Io::StorageFull,
            Embedded::Other,
        ),
    ]
}

#[test]
fn each_error_becomes_an_io_error() {
    for (error, kind, _) in errors() {
        let converted = io::Error::from(error);
        assert_eq!(converted.kind(), kind, "{error:?}");
        let errno = error.errno().map(|errno| errno.raw_os_error());
        assert_eq!(converted.raw_os_error(), errno, "{error:?}");
        if errno.is_none() {
            assert_eq!(converted.to_string(), error.to_string(), "the text is kept");
        }
    }
}

#[test]
fn each_error_has_a_kind_that_embedded_code_knows() {
    for (error, _, kind) in errors() {
        assert_eq!(error.kind(), kind, "{error:?}");
    }
}

#[test]
fn each_error_has_a_text() {
    for (error, ..) in errors() {
        assert!(!error.as_str().is_empty());
        assert!(error.to_string().contains(error.as_str()), "{error}");
        assert!(error.source().is_none());
    }
    let error = Error::System {
        operation: Operation::Create,
        errno: Errno::NOENT,
    };
    assert_eq!(
        error.to_string(),
        "cannot create the lock file: no such file or directory"
    );
    let error = Error::System {
        operation: Operation::Lock,
        errno: Errno::INVAL,
    };
    assert!(error.to_string().ends_with("errno 22"), "{error}");
}

/// `?` in a function that returns `io::Result`.
#[test]
fn a_question_mark_converts() {
    fn acquire() -> io::Result<()> {
        let path = LockPath::new(b"/missing/updates.lock")?;
        let _lock = UpdateLock::try_acquire(&path)?;
        Ok(())
    }
    assert_eq!(
        acquire().expect_err("no directory").kind(),
        io::ErrorKind::NotFound
    );
}
