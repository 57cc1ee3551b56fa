//! Where the suite lives: a virtual environment with Python 2.7, the last one it runs on.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::process::{self, Failure};
use crate::workspace;

const SUITE: &str = "autobahntestsuite==25.10.1";
/// The last release that itself runs on Python 2.7.
const VIRTUALENV: &str = "virtualenv==20.15.1";
const LIMIT: Duration = Duration::from_secs(10 * 60);

/// An environment with the suite installed.
pub(super) struct Environment {
    folder: PathBuf,
}

impl Environment {
    /// Finds or makes the environment below `folder`; what would help if that is not possible.
    pub(super) fn ready(folder: &Path) -> Result<Self, String> {
        let environment = Self { folder: folder.join("python") };
        if environment.works() {
            return Ok(environment);
        }
        let Some(python) = find_python() else {
            return Err("install Python 2.7 (pyenv install 2.7.18) or set PYTHON27 to one, or \
                        use the image crossbario/autobahn-testsuite (see conformance/README.md)"
                .to_owned());
        };
        environment
            .install(&python, &folder.join("virtualenv"))
            .map_err(|error| format!("the Autobahn suite could not be installed ({error})"))?;
        if environment.works() {
            Ok(environment)
        } else {
            Err("the Autobahn suite was installed but does not start".to_owned())
        }
    }

    /// The suite's program.
    pub(super) fn suite(&self) -> Command {
        let mut command = Command::new(self.folder.join("bin/wstest"));
        // Its children's lines come as they are printed, not when a buffer is full.
        command.env("PYTHONUNBUFFERED", "1");
        command
    }

    /// The ids of the suite's cases, in its own order.
    ///
    /// # Errors
    /// When the suite cannot be asked.
    pub(super) fn cases(&self) -> Result<Vec<String>, Failure> {
        let ask = "from autobahntestsuite.case import Cases\n\
                   for case in Cases: print(case.__name__[4:].replace('_', '.'))";
        let listed = process::quiet(Command::new(self.folder.join("bin/python")).args(["-c", ask]))
            .ok_or("the suite cannot be asked for its cases")?;
        Ok(listed.lines().map(str::to_owned).collect())
    }

    fn works(&self) -> bool {
        self.folder.is_dir() && process::quiet(self.suite().arg("--help")).is_some()
    }

    fn install(&self, python: &Path, tools: &Path) -> Result<(), Failure> {
        for folder in [&self.folder, tools] {
            if folder.exists() {
                fs::remove_dir_all(folder)?;
            }
        }
        let mut pip = Command::new(python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"]);
        process::succeed(pip.arg(tools).arg(VIRTUALENV), LIMIT)?;
        let mut virtualenv = Command::new(python);
        virtualenv.args(["-m", "virtualenv", "--quiet"]).arg(&self.folder);
        process::succeed(virtualenv.env("PYTHONPATH", tools), LIMIT)?;
        let mut pip = Command::new(self.folder.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", SUITE]);
        process::succeed(&mut pip, LIMIT)?;
        Ok(())
    }
}

/// A Python 2.7 with pip: `PYTHON27`, one of pyenv's, or one on the search path.
fn find_python() -> Option<PathBuf> {
    let mut candidates = Vec::new();
    candidates.extend(env::var_os("PYTHON27").map(PathBuf::from));
    let pyenv = env::var_os("PYENV_ROOT")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".pyenv")));
    if let Some(versions) = pyenv.and_then(|root| fs::read_dir(root.join("versions")).ok()) {
        let folders = versions.flatten().map(|entry| entry.path());
        candidates.extend(
            folders
                .filter(|path| {
                    path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("2.7"))
                })
                .map(|path| path.join("bin/python2.7")),
        );
    }
    candidates.extend(workspace::find_program(&["python2.7"]));
    candidates.into_iter().find(|python| {
        process::quiet(Command::new(python).args(["-m", "pip", "--version"])).is_some()
    })
}
