package import Records
import Synchronization

/// The keys that a config may have, as the readers of its sections ask for them: what each takes
/// and its default. `docs/config.md` is held against this.
package struct ConfigReference: Sendable {
  /// One key.
  package struct Key: Sendable, Equatable {
    /// With its sections, such as "model.hidden".
    package var path: String
    /// The values it takes, in words.
    package var values: String
    /// Nil where the key is required.
    package var fallback: OrderedJSON?
    /// The tasks that have it.
    package var tasks: [TaskName]
  }

  /// In the order in which readers ask for them.
  package private(set) var keys: [Key] = []

  /// Reads a config of every task with nothing in it that may be left out.
  package init() throws(ConfigError) {
    for task in TaskName.allCases {
      let recorder = ConfigKeyRecorder()
      let minimal: OrderedJSON = task.isGenerated ? [:] : ["train": "text.txt"]
      let config: OrderedJSON = ["task": .string(task.rawValue), "data": minimal]
      _ = try Config(json: Array(config.line.utf8), file: "config", recorder: recorder)
      for key in recorder.keys { add(key, of: task) }
    }
  }

  private mutating func add(_ key: Key, of task: TaskName) {
    if let index = keys.firstIndex(where: { $0.path == key.path && $0.fallback == key.fallback }) {
      return keys[index].tasks.append(task)
    }
    // Keys of one section stay together.
    let section = key.path.split(separator: ".").dropLast()
    let place = keys.lastIndex { $0.path.split(separator: ".").dropLast() == section }
    var new = key
    new.tasks = [task]
    keys.insert(new, at: place.map { $0 + 1 } ?? keys.endIndex)
  }
}

/// Takes note of the keys that readers ask for.
final class ConfigKeyRecorder: Sendable {
  private let state = Mutex<[ConfigReference.Key]>([])

  var keys: [ConfigReference.Key] { state.withLock { $0 } }

  func note(_ path: String, _ values: String, _ fallback: OrderedJSON?) {
    state.withLock { $0.append(.init(path: path, values: values, fallback: fallback, tasks: [])) }
  }
}
