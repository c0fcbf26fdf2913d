import Records

/// What the output layer of a task reads, and the loss it is trained by.
package struct OutputConfig: Sendable, Equatable {
  /// What the output layer reads of a sequence: every state, its last state, or their mean.
  package enum Readout: String, CaseIterable, Sendable { case every, last, mean }
  /// What the model is trained by.
  package enum Loss: String, CaseIterable, Sendable { case softmax, squared, absolute, sigmoid }

  package var readout: Readout
  package var loss: Loss

  /// Those of a language model.
  init() {
    readout = .every
    loss = .softmax
  }

  init(_ reader: consuming ConfigReader, task: TaskName) throws(ConfigError) {
    readout = try reader.choice("readout", default: task.readouts[0])
    loss = try reader.choice("loss", default: task.losses[0])
    try reader.finish()
    guard task.readouts.contains(readout) else {
      throw reader.failure(
        "readout", "\"\(readout.rawValue)\" is not possible with task \"\(task.rawValue)\"",
        hint: "possible are \(list(task.readouts))")
    }
    guard task.losses.contains(loss) else {
      throw reader.failure(
        "loss", "\"\(loss.rawValue)\" is not possible with task \"\(task.rawValue)\"",
        hint: "possible are \(list(task.losses))")
    }
  }

  var json: OrderedJSON {
    ["readout": .string(readout.rawValue), "loss": .string(loss.rawValue)]
  }
}

/// The names of values, quoted.
private func list<Value: RawRepresentable<String>>(_ values: [Value]) -> String {
  values.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
}
