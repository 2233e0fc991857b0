//! `import "modules/nala" as nala;`: scripts of the project, compiled once for all hosts.

use super::error::RhaiResultOf;
use super::project::Project;
use crate::event::Failure;
use rhai::{Engine, EvalAltResult, Module, ModuleResolver, Position, Scope, Shared};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// Finds modules for the engine of one host.
pub struct Imports {
    project: Arc<Project>,
    done: Mutex<Vec<(PathBuf, Shared<Module>)>>,
    open: Mutex<Vec<PathBuf>>,
}

impl Imports {
    /// The modules of a project.
    pub fn of(project: Arc<Project>) -> Self {
        Self { project, done: Mutex::default(), open: Mutex::default() }
    }

    /// The file of a module: `modules/nala` and `modules/nala.rhai` are the same.
    ///
    /// # Errors
    /// A text with the places that were tried.
    pub fn file(project: &Project, name: &str, source: Option<&str>) -> Result<PathBuf, String> {
        let file = if name.ends_with(".rhai") { name.to_owned() } else { format!("{name}.rhai") };
        project.find(&file, source)
    }

    fn find(&self, name: &str, source: Option<&str>, at: Position) -> RhaiResultOf<PathBuf> {
        Self::file(&self.project, name, source).map_err(|tried| {
            let failure = Failure { causes: vec![tried], ..Failure::new(format!("cannot import `{name}`")) };
            fail(failure.hint(super::syntax::PATHS), at)
        })
    }

    fn cycle(&self, path: &PathBuf) -> Option<String> {
        let open = self.open.lock().expect("no resolver panics");
        let from = open.iter().position(|open| open == path)?;
        let names = open[from..].iter().chain([path]).map(|path| self.project.shown(path));
        Some(names.collect::<Vec<_>>().join(" -> "))
    }

    fn load(&self, engine: &Engine, path: &PathBuf, at: Position) -> RhaiResultOf<Shared<Module>> {
        if let Some(cycle) = self.cycle(path) {
            let message = format!("modules import each other in a circle: {cycle}");
            let hint = Some("move what both need into a third module".to_owned());
            return Err(fail(Failure { message, hint, ..Failure::default() }, at));
        }
        let ast = self.project.compile(engine, path).map_err(|failure| fail(failure, at))?;
        self.open.lock().expect("no resolver panics").push(path.clone());
        let module = Module::eval_ast_as_new(Scope::new(), &ast, engine);
        self.open.lock().expect("no resolver panics").pop();
        let mut module = module.map_err(|error| EvalAltResult::ErrorInModule(self.project.shown(path), error, at))?;
        module.build_index();
        Ok(module.into())
    }
}

impl ModuleResolver for Imports {
    fn resolve(&self, engine: &Engine, source: Option<&str>, name: &str, at: Position) -> RhaiResultOf<Shared<Module>> {
        let path = self.find(name, source, at)?;
        let known = self.done.lock().expect("no resolver panics").iter().find(|(done, _)| *done == path).cloned();
        if let Some((_, module)) = known {
            return Ok(module);
        }
        let module = self.load(engine, &path, at)?;
        self.done.lock().expect("no resolver panics").push((path, module.clone()));
        Ok(module)
    }
}

fn fail(failure: Failure, at: Position) -> Box<EvalAltResult> {
    super::error::raise_as(super::error::SCRIPT, &failure, "import", "", at)
}
