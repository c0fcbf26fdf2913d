import Cells

/// The steps of a cell as flat arrays of plain values, which a time step goes through without
/// counting references.
final class CompiledSteps {
  let forward: UnsafeMutablePointer<StepOperation>
  let backward: UnsafeMutablePointer<StepOperation>
  let forwardCount: Int
  let backwardCount: Int
  /// The products that operations name by place.
  let products: UnsafeMutablePointer<RecurrentProduct>

  init(_ cell: Cell, normalized: Bool) {
    let steps = cell.steps(normalized: normalized)
    forward = Self.copy(steps.forward)
    backward = Self.copy(steps.backward)
    forwardCount = steps.forward.count
    backwardCount = steps.backward.count
    products = Self.copy(cell.products)
  }

  deinit {
    forward.deallocate()
    backward.deallocate()
    products.deallocate()
  }

  fileprivate static func copy<Value>(_ values: [Value]) -> UnsafeMutablePointer<Value> {
    let copy = UnsafeMutablePointer<Value>.allocate(capacity: values.count)
    copy.initialize(from: values, count: values.count)
    return copy
  }
}

/// The blocks of weight gradients of a cell's stages, likewise.
final class CompiledBlocks {
  let all: UnsafeMutablePointer<WeightStage.Block>
  /// The first block of each stage, and the number of all.
  let firsts: UnsafeMutablePointer<Int>

  init(_ cell: Cell) {
    all = CompiledSteps.copy(cell.stages.flatMap(\.blocks))
    firsts = CompiledSteps.copy(
      cell.stages.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.blocks.count) })
  }

  deinit {
    all.deallocate()
    firsts.deallocate()
  }
}
