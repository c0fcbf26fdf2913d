import Checkpoints
import Configuration
import Corpora
import Datasets
import Engine
import GRUCore
import NumericContract
package import Records
import Scoring
import Tasks

/// What is said of a start from another model: what was taken, and what is new.
package struct StartReport: Sendable {
  /// One part of the model.
  package struct Group: Sendable, Equatable {
    package var name: String
    package var tensors: Int
    /// Values of the source, and first values of any run.
    package var taken = 0
    package var new = 0
  }

  private var head: String
  private var members: [OrderedJSON.Member] = []
  package private(set) var groups: [Group] = []
  private var notes: [String] = []
  /// What nobody can prove.
  var assumptions: [String] = []

  init(path: String) {
    head = "start       from \(path)"
    add("source", .string(path))
  }

  init(head: String, notes: [String]) {
    self.head = head
    self.notes = notes
  }

  mutating func add(_ name: String, _ value: OrderedJSON) {
    members.append(.init(name, value))
  }

  /// Says which checkpoint the source is.
  mutating func describe(_ model: LoadedModel, for config: Config) {
    let step = "step \(model.state.step)"
    head += ": " + (model.choice.words.map { "\(step), \($0)" } ?? step)
    add("checkpoint", .string(model.checkpoint.path))
    add("source_step", .integer(model.state.step))
    add("source_fingerprint", .string(model.state.fingerprint))
    if case .object(let why) = model.choice.json { members += why }
    if model.state.averagedSteps ?? 0 > 0 {
      notes.append("the parameters are the source's running mean of them")
    }
    let (own, other) = (model.config.contract.rawValue, config.contract.rawValue)
    if own != other {
      notes.append(
        "the source went by version \(own) of the numeric contract, this run goes by \(other)")
    }
  }

  /// Says what of the source is taken.
  mutating func describe(
    _ plan: StartPlan, of source: SourceModel, for target: ModelTarget, _ learnt: LearntData?
  ) {
    for match in plan.matches {
      let name = match.parameter.group
      if groups.last?.name != name { groups.append(Group(name: name, tensors: 0)) }
      let place = groups.count - 1
      groups[place].tensors += 1
      groups[place].taken += match.takenCount
      groups[place].new += match.parameter.count - match.takenCount
    }
    add("groups", .array(groups.map(\.json)))
    describe(plan.tokens, of: source, for: target, learnt)
    if let columns = plan.columns {
      let taken = columns.count { $0 >= 0 }
      notes.append("inputs: \(taken) of \(columns.count) columns are the source's by name")
      add("columns_taken", .integer(taken))
      add("columns_new", .integer(columns.count - taken))
    }
    if let frame = target.frame {
      let isTaken = learnt?.frame != nil
      let known = [
        (frame.classes != nil, "classes"), (!frame.columns.isEmpty, "columns"),
        (frame.means != nil, "scales"),
      ].filter(\.0).map(\.1)
      notes.append(
        "\(known.joined(separator: ", ")): "
          + (isTaken ? "the source's" : "learnt from \(target.config.data.train)"))
      add("data", isTaken ? "source" : "own")
    }
    notes.append("optimizer, schedule and steps: new")
    add("assumptions", .array(assumptions.map { .string($0) }))
  }

  private mutating func describe(
    _ tokens: StartPlan.TokenMatch?, of source: SourceModel, for target: ModelTarget,
    _ learnt: LearntData?
  ) {
    guard let tokenizer = target.tokenizer else { return }
    let isTaken = learnt?.tokenizer != nil || tokens == nil && source.tokenizer != nil
    let size = Format.grouped(tokenizer.vocabularySize)
    add("tokenizer", isTaken ? "source" : "own")
    guard let tokens else {
      notes.append("vocabulary: the source's, \(size) tokens (\(tokenizer.kind.rawValue))")
      return
    }
    notes.append(
      "vocabulary: \(size) tokens of \(target.config.data.train) (\(tokenizer.kind.rawValue)); the "
        + "source has \(Format.grouped(tokens.taken)) of them, whose rows are taken, "
        + "\(Format.grouped(tokens.new)) are new, and \(Format.grouped(tokens.left)) of the "
        + "source's \(Format.grouped(tokens.sourceCount)) have no place")
    add("tokens_taken", .integer(tokens.taken))
    add("tokens_new", .integer(tokens.new))
    add("tokens_left", .integer(tokens.left))
  }

  /// What people see.
  package var lines: [String] {
    let body = groups.map(\.words) + notes + assumptions.map { "assumed: \($0)" }
    return [head] + body.map { "            " + $0 }
  }

  /// What checkpoints keep, and what the record of the start says.
  package var json: OrderedJSON { .object(members) }
}

extension StartReport.Group {
  var words: String {
    let count = Format.grouped(taken + new) + " parameters"
    if new == 0 { return "\(name): taken, \(count)" }
    if taken == 0 { return "\(name): new, \(count)" }
    return "\(name): \(Format.grouped(taken)) of \(count) taken, \(Format.grouped(new)) new"
  }

  var json: OrderedJSON {
    [
      "name": .string(name), "tensors": .integer(tensors), "taken": .integer(taken),
      "new": .integer(new),
    ]
  }
}
