import Cells
import GRUCore

/// The tensors of a file on their way to a model: what is taken is checked, and what is left over
/// has no place in a model.
struct TensorFile {
  let path: String
  private var tensors: [String: NamedTensor]

  init(_ tensors: [NamedTensor], path: String) {
    self.path = path
    self.tensors = Dictionary(tensors.map { ($0.name, $0) }) { first, _ in first }
  }

  var names: [String] { tensors.keys.sorted() }

  func shape(of name: String) -> [Int]? { tensors[name]?.shape }

  /// The tensor that a module calls `member`, be it the outermost one or not.
  func name(endingIn member: String) -> String? {
    names.first { $0 == member || $0.hasSuffix(".\(member)") }
  }

  /// Removes a tensor, which must have the shape.
  mutating func take(_ name: String, _ shape: [Int]) throws(InterchangeError) -> [Float] {
    guard let tensor = tensors.removeValue(forKey: name) else {
      throw failure("no tensor '\(name)', expected one of shape \(shape); \(contents)")
    }
    guard tensor.shape == shape else {
      throw failure(
        "tensor '\(name)' has shape \(tensor.shape), expected \(shape); set the sizes of the "
          + "config's model to those of the file")
    }
    guard tensor.doubles == nil else {
      throw failure(
        "tensor '\(name)' has type F64, expected F32, F16 or BF16; convert it before (in PyTorch, "
          + "model.float())")
    }
    return tensor.values
  }

  /// Removes a vector that must be `expected`, to the precision of a float; it may be missing.
  ///
  /// - Parameter meaning: what differs where it is another one.
  mutating func takeEqual(
    _ name: String, _ expected: [Double], meaning: String
  ) throws(InterchangeError) {
    guard let found = self.name(endingIn: name), let tensor = tensors.removeValue(forKey: found)
    else { return }
    guard tensor.shape == [expected.count] else {
      throw failure(
        "tensor '\(found)' has shape \(tensor.shape), expected \([expected.count]); \(meaning)")
    }
    for (place, pair) in zip(tensor.values, expected).enumerated() where pair.0 != Float(pair.1) {
      throw failure(
        "tensor '\(found)', element \(place) is \(pair.0), expected \(Float(pair.1)); \(meaning)")
    }
  }

  /// Removes a tensor that may be missing, and then counts as zero.
  mutating func takeOrZeros(_ name: String, _ shape: [Int]) throws(InterchangeError) -> [Float] {
    tensors[name] == nil
      ? [Float](repeating: 0, count: shape.reduce(1, *)) : try take(name, shape)
  }

  /// The name of the values of a state vector that a model of `shape` learned to start from; nil
  /// where it has none.
  ///
  /// - Throws: where only one of file and config has such a state, saying what to set.
  func initialState(
    _ vector: Cell.StateVector, of shape: ModelShape
  ) throws(InterchangeError) -> String? {
    let name = name(endingIn: vector.initialName)
    if (name != nil) == shape.learnsInitialState { return name }
    if let name {
      throw failure(
        "'\(name)' is a learned initial state, and the config's model has none; add --set "
          + "model.learned_initial_state=true")
    }
    throw failure(
      "no tensor '\(vector.initialName)', which the config's model has; \(contents); add --set "
        + "model.learned_initial_state=false")
  }

  /// Removes what says how numbers go in and come out.
  mutating func dropScales() {
    for member in ["input_mean", "input_deviation", "target_mean", "target_deviation"] {
      if let name = name(endingIn: member) { tensors[name] = nil }
    }
  }

  /// Throws where tensors are left over.
  func requireEmpty() throws(InterchangeError) {
    let left = names.map { "'\($0)' \(tensors[$0]?.shape ?? [])" }
    guard let first = left.first else { return }
    let others = left.dropFirst().prefix(3) + (left.count > 4 ? ["\(left.count - 4) more"] : [])
    throw failure(
      (left.count == 1
        ? "tensor \(first) has"
        : "tensors \(Cell.inWords([first] + others, "and")) have")
        + " no place in a model of an embedding, "
        + "\(Cell.exchangedLayers) layers and a linear output layer; export only such a model")
  }

  /// Throws where layers have some of the biases that they all have or all have not.
  func requireAllOrNone(_ biases: [String]) throws(InterchangeError) {
    guard let there = biases.first(where: { tensors[$0] != nil }),
      let missing = biases.first(where: { tensors[$0] == nil })
    else { return }
    throw failure("no tensor '\(missing)', though there is '\(there)'; \(contents)")
  }

  /// Whether the module of a matrix has a bias too, as a linear layer has and an embedding has not.
  func hasBias(_ matrix: String) -> Bool {
    guard matrix.hasSuffix("weight") else { return false }
    return tensors[matrix.dropLast("weight".count) + "bias"] != nil
  }

  func failure(_ problem: String) -> InterchangeError { InterchangeError("\(path): \(problem)") }

  /// What the file holds, for errors.
  var contents: String {
    let shown = names.prefix(12).map { "\($0) \(tensors[$0]?.shape ?? [])" }
    let rest = tensors.count - shown.count
    return "the file has " + (shown.isEmpty ? "no tensors" : shown.joined(separator: ", "))
      + (rest > 0 ? " and \(rest) more" : "")
  }
}

/// A model that a format cannot hold, or a file that holds no model of ours.
package struct InterchangeError: Error, Equatable, CustomStringConvertible {
  package let description: String
  package init(_ description: String) { self.description = description }
}
