import Cells
import GRUCore

/// Models of sequences that each start from the initial state.
///
/// They take `features` [T, B, F], numbers as the data have them, `tokens` [T, B], or both;
/// `lengths` [B], the steps of each sequence where they are not all T; and, unless layers go both
/// ways, `initial_state` [L, B, H], without which sequences start as they did in training. They
/// give `logits` [B, V], or [T, B, V] of every step; or `predictions` [B, V], of forecasts
/// [B, horizon, columns] in the data's units, and where they are quantiles [B, Q, V] and
/// [B, Q, horizon, columns]; and, unless layers go both ways, `final_state` [L, B, H].
extension ONNXModel {
  static func sequenceGraph(_ model: ModelTensors) -> ONNXGraph {
    let shape = model.shape
    var graph = ONNXGraph(name: "gru-dist sequence model")
    let source = shape.task.readsTokens ? "tokens" : "features"
    let input = addInput(model, &graph)
    addBatchSize(of: source, &graph)
    addLengths(source, &graph)
    let hasState = !shape.isBidirectional || shape.learnsInitialState
    let initial = hasState ? addExpandedStates(source, shape, &graph) : nil
    let top = addLayers(model, &graph, input: input, initial: initial, lengths: "steps.each")
    addOutputs(model, &graph, of: addReadout(shape, &graph, top))
    addWeights(model, &graph, slicesState: hasState)
    for axis in 0...2 { graph.integers("axis.\(axis)", [axis]) }
    graph.shortIntegers("lengths", [1], [.max])
    if hasState {
      addInitialStates(model, &graph)
      addStateSizes(shape, &graph)
    }
    graph.input("lengths", .int32, [.open("1 or B")])
    if shape.isBidirectional {
      graph.integers("flat.states", [0, 0, -1])
    } else {
      addFinalStates(shape, &graph)
      addInitialStateInputs(shape, &graph, batch: "1 or B")
      addFinalStateOutputs(shape, &graph)
    }
    return graph
  }

  /// What the first layer reads.
  private static func addInput(
    _ model: ModelTensors, _ graph: inout ONNXGraph
  ) -> String {
    let shape = model.shape
    if shape.task.readsTokens {
      graph.input("tokens", .int64, [.open("T"), .open("B")])
      graph.node("Gather", ["embedding.weight", "tokens"], ["embedded"])
    }
    guard shape.task.readsValues else { return "embedded" }
    let values = addValues(model, &graph)
    guard shape.task.readsTokens else { return values }
    graph.node("Concat", ["embedded", values], ["joined"], [("axis", .integer(2))])
    return "joined"
  }

  /// Real inputs, in the units in which the model reads them.
  private static func addValues(_ model: ModelTensors, _ graph: inout ONNXGraph) -> String {
    let source = "features"
    let isScaled = model.scales.inputs != nil
    let keepsDoubles = isScaled && model.scales.keepsDoubles
    graph.input(
      source, keepsDoubles ? .double : .float,
      [.open("T"), .open("B"), .fixed(model.shape.valueSize)])
    guard isScaled else { return source }
    for (name, values) in model.scales.vectors { graph.doubles(name, values) }
    let exact = keepsDoubles ? source : "features.exact"
    if !keepsDoubles { graph.cast(source, to: .double, exact) }
    graph.node("Sub", [exact, "input_mean"], ["features.centred"])
    graph.node("Div", ["features.centred", "input_deviation"], ["features.scaled"])
    graph.cast("features.scaled", to: .float, "scaled")
    return "scaled"
  }

  /// The steps of each sequence as `steps.each` [B]: those of `lengths`, at most T. The default of
  /// `lengths` is more than any T.
  private static func addLengths(_ source: String, _ graph: inout ONNXGraph) {
    graph.node("Slice", ["\(source).shape", "axis.0", "axis.1", "axis.0"], ["steps.all"])
    graph.cast("steps.all", to: .int32, "steps")
    graph.node("Min", ["lengths", "steps"], ["steps.given"])
    graph.node("Expand", ["steps.given", "\(source).batch"], ["steps.each"])
  }

  /// What the output layer reads: [T, B, D H], or one vector of each sequence.
  private static func addReadout(
    _ shape: ModelShape, _ graph: inout ONNXGraph, _ top: String
  ) -> String {
    let final = "final_state.\(shape.layerCount - 1)"
    switch shape.task.readout {
    case .every: return top
    case .last where shape.isBidirectional:
      graph.node("Transpose", [final], ["last.swapped"], [("perm", .integers([1, 0, 2]))])
      graph.node("Reshape", ["last.swapped", "flat.last"], ["read"])
      graph.integers("flat.last", [0, -1])
    case .last: graph.node("Squeeze", [final, "axis.0"], ["read"])
    case .mean:
      // What a layer gives after a sequence's end is left open by ONNX, and must not count.
      graph.node("Squeeze", ["steps", "axis.0"], ["steps.count"])
      graph.node("Range", ["number.0", "steps.count", "number.1"], ["step.numbers"])
      graph.node("Unsqueeze", ["step.numbers", "axis.1"], ["step.columns"])
      graph.node("Less", ["step.columns", "steps.each"], ["step.counts"])
      graph.node("Unsqueeze", ["step.counts", "axis.2"], ["state.counts"])
      graph.node("Where", ["state.counts", top, "nothing"], ["counted"])
      graph.node("ReduceSum", ["counted", "axis.0"], ["sum"], [("keepdims", .integer(0))])
      graph.cast("steps.each", to: .float, "divisors")
      graph.node("Unsqueeze", ["divisors", "axis.1"], ["divisor.rows"])
      graph.node("Div", ["sum", "divisor.rows"], ["read"])
      graph.shortIntegers("number.0", [], [0])
      graph.shortIntegers("number.1", [], [1])
      graph.tensor("nothing", [1], [0])
    }
    return "read"
  }

  /// The output layer, and the units of what it says.
  private static func addOutputs(
    _ model: ModelTensors, _ graph: inout ONNXGraph, of read: String
  ) {
    let shape = model.shape
    let outputs = shape.vocabularySize
    let isScore = shape.task.loss == .softmax || shape.task.loss == .sigmoid
    let name = isScore ? "logits" : "predictions"
    let isScaled = model.scales.targets != nil
    let keepsDoubles = isScaled && model.scales.keepsDoubles
    // Quantiles are an axis of their own.
    let parts = shape.task.outputsPerTarget
    let isParted = parts > 1
    guard let forecast = model.scales.forecast else {
      let flat = isParted ? "outputs.flat" : name
      addScores(&graph, of: read, isScaled ? "outputs" : flat)
      let steps: [ONNXGraph.Dimension] = shape.task.readout == .every ? [.open("T")] : []
      let ends = isParted ? [parts, outputs / parts] : [outputs]
      graph.output(
        name, keepsDoubles ? .double : .float, steps + [.open("B")] + ends.map { .fixed($0) })
      if isScaled { addUnits(&graph, of: "outputs", flat, keepsDoubles: keepsDoubles) }
      if isParted {
        graph.integers("parts.shape", steps.map { _ in 0 } + [0] + ends)
        graph.node("Reshape", [flat, "parts.shape"], [name])
      }
      return
    }
    let axes = (isParted ? [parts] : []) + [outputs / parts / forecast.count, forecast.count]
    addScores(&graph, of: read, "outputs")
    graph.integers("forecast.shape", [0] + axes)
    graph.output(
      name, keepsDoubles ? .double : .float, [.open("B")] + axes.map { .fixed($0) })
    guard isScaled else {
      graph.node("Reshape", ["outputs", "forecast.shape"], [name])
      return
    }
    graph.node("Reshape", ["outputs", "forecast.shape"], ["forecast"])
    addUnits(&graph, of: "forecast", name, keepsDoubles: keepsDoubles)
  }

  /// Gives what a model says the units of the data.
  private static func addUnits(
    _ graph: inout ONNXGraph, of source: String, _ name: String, keepsDoubles: Bool
  ) {
    graph.cast(source, to: .double, "\(source).exact")
    graph.node("Mul", ["\(source).exact", "target_deviation"], ["\(source).scaled"])
    let moved = keepsDoubles ? name : "\(source).moved"
    graph.node("Add", ["\(source).scaled", "target_mean"], [moved])
    if !keepsDoubles { graph.cast(moved, to: .float, name) }
  }
}
