import Cells
import GRUCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Tasks other than a softmax at every step, and sequences laid end to end.
extension ReferenceModel {
  /// The time steps of each sequence, [K, B].
  func ranges(_ window: Window) -> [Range<Int>] {
    window.slots.isEmpty
      ? [Range<Int>](repeating: 0..<window.steps, count: window.sequences) : window.slots
  }

  /// The state vectors before a stream or sequence, [S, H].
  func initialStates(ofDirection direction: Int, _ parameters: [Double]) -> [[Double]] {
    let hidden = shape.hiddenSize
    let tensors = table.tensors(ofDirection: direction)
    return shape.cell.stateVectors.indices.map { vector in
      guard let start = tensors.initialState(ofVector: vector) else {
        return [Double](repeating: 0, count: hidden)
      }
      return Array(parameters[start..<start + hidden])
    }
  }

  /// Whether a sequence starts at a row (t, b).
  func isStart(_ row: Int, _ window: Window) -> Bool {
    let (t, b) = (row / window.sequences, row % window.sequences)
    if t == 0 { return window.startsAfresh }
    return window.slots.enumerated().contains { index, range in
      index % window.sequences == b && range.lowerBound == t && !range.isEmpty
    }
  }

  /// The last or mean state of every sequence, [K, B, D H]; 0 for none.
  func readout(_ trace: Trace, _ window: Window) -> [Double] {
    let size = shape.featureSize
    let top = trace.features[shape.layerCount - 1]
    return ranges(window).enumerated().flatMap { index, range in
      (0..<size).map { i in
        let steps = readSteps(range, column: i)
        return steps.reduce(0) {
          $0 + top[($1 * window.sequences + index % window.sequences) * size + i]
        } / Double(max(1, steps.count))
      }
    }
  }

  /// The steps whose states the output layer reads: the last one of a direction is where it ends.
  private func readSteps(_ range: Range<Int>, column: Int) -> Range<Int> {
    if shape.task.readout != .last { return range }
    return column < shape.hiddenSize ? range.suffix(1) : range.prefix(1)
  }

  // MARK: - Directions

  /// A window with time the other way round.
  func mirrored(_ window: Window) -> Window {
    var other = window
    other.slots = ranges(window).map { range in
      range.isEmpty
        ? 0..<0 : window.steps - range.upperBound..<window.steps - range.lowerBound
    }
    other.startsAfresh = true
    return other
  }

  /// Vectors [T, B, ...] of every row with time the other way round.
  func mirrored(_ values: [Double], _ window: Window) -> [Double] {
    let count = values.count / window.steps
    return (0..<window.steps).reversed().flatMap { values[$0 * count..<($0 + 1) * count] }
  }

  /// The states of all directions [rows, H] side by side.
  func joined(_ states: [[Double]]) -> [Double] {
    let hidden = shape.hiddenSize
    return (0..<states[0].count / hidden).flatMap { row in
      states.flatMap { $0[row * hidden..<(row + 1) * hidden] }
    }
  }

  /// One direction's columns of [rows, D H].
  func part(of values: [Double], direction: Int) -> [Double] {
    let size = shape.featureSize
    return (0..<values.count / size).flatMap { row in
      let start = row * size + direction * shape.hiddenSize
      return values[start..<start + shape.hiddenSize]
    }
  }

  /// Losses and output layer.
  ///
  /// - Returns: the gradient of what the top layer hands on, [T, B, D H].
  func taskOutputBackward(
    _ parameters: [Double], _ window: Window, _ trace: Trace, _ gradient: inout [Double]
  ) -> [Double] {
    let hidden = shape.featureSize
    let weight = table["output.weight"].offset
    let bias = table["output.bias"].offset
    let isEvery = shape.task.readout == .every
    let read =
      isEvery
      ? dropped(
        trace.features[shape.layerCount - 1], beforeLayer: shape.layerCount, window)
      : trace.readout
    var below = [Double](repeating: 0, count: read.count)
    for (row, target) in window.targets.enumerated() where target >= 0 {
      let errors = errors(row, target, trace, window)
      addOuter(errors, read, at: row * hidden, columns: hidden, to: &gradient, at: weight)
      for i in errors.indices { gradient[bias + i] += errors[i] }
      addTransposed(
        parameters, at: weight, columns: hidden, errors, to: &below, at: row * hidden)
    }
    if isEvery { return below }
    below = dropped(below, beforeLayer: shape.layerCount, window)
    var above = [Double](repeating: 0, count: window.steps * window.sequences * hidden)
    for (index, range) in ranges(window).enumerated() {
      for i in 0..<hidden {
        let steps = readSteps(range, column: i)
        for t in steps {
          above[(t * window.sequences + index % window.sequences) * hidden + i] +=
            below[index * hidden + i] / Double(steps.count)
        }
      }
    }
    return above
  }
}
