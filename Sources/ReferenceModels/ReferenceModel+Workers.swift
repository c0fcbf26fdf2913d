package import GRUCore
import Kernels

/// Windows on their way to workers and back, so that both models compute the same.
extension SequenceWorker {
  /// Writes this worker's part of a window, which holds the sequences of all workers.
  package func load(_ whole: ReferenceModel.Window) {
    let (width, perRow) = (sequences.count, shape.task.tokensPerStep)
    for slot in 0..<slots.perRow where !whole.slots.isEmpty {
      for (column, sequence) in sequences.enumerated() {
        let range = whole.slots[slot * whole.sequences + sequence]
        slots.starts[slot * width + column] = Int32(range.lowerBound)
        slots.ends[slot * width + column] = range.isEmpty ? 0 : Int32(range.upperBound)
      }
    }
    for t in 0..<window {
      for (column, sequence) in sequences.enumerated() {
        let (row, place) = (t * whole.sequences + sequence, t * width + column)
        for token in 0..<(shape.task.readsTokens ? perRow : 0) {
          inputs[place * perRow + token] = whole.inputs[row * perRow + token]
        }
        for j in 0..<shape.valueSize {
          inputValues[place * inputStride + j] = Float(whole.values[row * shape.valueSize + j])
        }
      }
    }
    let outputs = shape.vocabularySize / outputsPerTarget
    for step in 0..<outputSteps {
      for (column, sequence) in sequences.enumerated() {
        let (row, place) = (step * whole.sequences + sequence, step * width + column)
        targets[place] = whole.targets[row]
        if shape.task.loss == .softmax { continue }
        for j in 0..<outputs {
          targetValues[place * targetStride + j] = Float(whole.targetValues[row * outputs + j])
        }
      }
    }
  }

  /// A copy of the worker's first sequences and time steps, as a window of its own; sequences laid
  /// end to end end with it.
  package func slice(sequences count: Int, steps: Int) -> ReferenceModel.Window {
    let (width, outputs) = (sequences.count, shape.vocabularySize / outputsPerTarget)
    var slice = ReferenceModel.Window(inputs: [], targets: [], steps: steps, sequences: count)
    // No more sequences than steps fit in a row.
    let slotCount = min(slots.perRow, steps)
    slice.slots = (0..<slotCount * count).map { index in
      let slot = index / count * width + index % count
      let (start, end) = (Int(slots.starts[slot]), min(Int(slots.ends[slot]), steps))
      return start < end ? start..<end : 0..<0
    }
    for t in 0..<steps {
      for b in 0..<count {
        let place = t * width + b
        for token in 0..<(shape.task.readsTokens ? shape.task.tokensPerStep : 0) {
          slice.inputs.append(inputs[place * shape.task.tokensPerStep + token])
        }
        for j in 0..<shape.valueSize {
          slice.values.append(Double(inputValues[place * inputStride + j]))
        }
      }
    }
    let isEvery = shape.task.readout == .every
    for step in 0..<(isEvery ? steps : slotCount) {
      for b in 0..<count {
        let place = step * width + b
        let isCut = !isEvery && slice.slots[step * count + b].isEmpty
        slice.targets.append(isCut ? -1 : targets[place])
        if shape.task.loss == .softmax { continue }
        for j in 0..<outputs {
          slice.targetValues.append(Double(targetValues[place * targetStride + j]))
        }
      }
    }
    return slice
  }
}
