package import Records
package import Tasks

/// One object of a config: values that belong together.
///
/// A section is a plain value. Each of its keys is declared once, in `keys`, and the initial value
/// of the key's property is its default. Reading, writing, the documentation and what may change at
/// a resume follow from the declarations.
package protocol ConfigSection: Sendable, Equatable {
  /// Every value at its default.
  init()

  /// The keys in the order in which they are read, written and documented.
  static var keys: [ConfigKey<Self>] { get }

  /// Sets what has another default for one task than for the others.
  mutating func adopt(_ task: TaskName)

  /// Checks what several keys of the section decide together.
  func check(_ place: ConfigPlace, task: TaskName) throws(ConfigError)
}

extension ConfigSection {
  package mutating func adopt(_ task: TaskName) {}

  package func check(_ place: ConfigPlace, task: TaskName) throws(ConfigError) {}

  /// The defaults of a task.
  package init(defaultsOf task: TaskName) {
    self.init()
    adopt(task)
  }

  /// Reads and checks the object at `place`; nil counts as an empty one.
  ///
  /// - Throws: for values that a key does not take, then for keys that do not exist, then for
  ///   values that do not go together.
  init(_ value: OrderedJSON?, at place: ConfigPlace, task: TaskName) throws(ConfigError) {
    self.init(defaultsOf: task)
    let members = try place.members(of: value)
    let keys = Self.keys(of: task)
    for key in keys {
      try key.read(&self, members.first { $0.name == key.name }?.value, place[key.name], task)
    }
    try place.checkNames(of: members, known: keys.map(\.name), task: task)
    try check(place, task: task)
  }

  /// The values as they are written to a run's directory.
  package func json(of task: TaskName) -> OrderedJSON {
    .object(
      Self.keys(of: task).filter(\.isWritten).map { .init($0.name, $0.write(self, task)) })
  }

  /// The keys that a config of the task has.
  private static func keys(of task: TaskName) -> [ConfigKey<Self>] {
    keys.filter { $0.tasks.contains(task) }
  }

  /// What is declared for some tasks, keys of sections within this one included.
  ///
  /// - Parameter path: of the section; "" is the whole config.
  static func declarations(below path: String, of tasks: [TaskName]) -> [KeyDeclaration] {
    keys.flatMap { $0.declarations(path.isEmpty ? $0.name : "\(path).\($0.name)", tasks) }
  }
}
