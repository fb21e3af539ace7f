"""Names of PyTorch that torchlike refuses: which, why, and the way out.

Names are dotted paths below ``torch``; ``*`` stands for any characters but dots, and a refused module or
class refuses what is in it. The first group that fits a name answers for it. A name that exists is
never looked up here, so an entry for a module may stay while the module grows.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """Names that are refused for one reason, with one way out."""

    names: str
    reason: str
    instead: str


REFUSALS = (
    # --- element types -------------------------------------------------------------------------
    Refusal(
        "complex32 chalf Tensor.chalf",
        "XLA has no half-precision complex type",
        "use torch.complex64",
    ),
    Refusal(
        "bit bits8 bits16 bits1x8 bits2x4 bits4x2 int1 int2 int3 int4 int5 int6 int7 uint1 uint2 uint3 "
        "uint4 uint5 uint6 uint7 float4_e2m1fn_x2 float8_e8m0fnu",
        "this dtype is a shell for other libraries' kernels: PyTorch itself computes nothing with it",
        "keep the numbers in torch.uint8 or torch.int8",
    ),
    # --- quantised tensors -----------------------------------------------------------------------
    Refusal(
        "quint8 qint8 qint32 quint4x2 quint2x4 qscheme per_tensor_* per_channel_* quantize_per_* "
        "q_scale q_zero_point q_per_channel_* int_repr empty_quantized Tensor.q_* Tensor.qscheme "
        "Tensor.int_repr quantized_* choose_qparams_optimized fused_moving_avg_obs_fake_quant "
        "fbgemm_* quantize_per_tensor_dynamic",
        "XLA has no tensors with a scale and a zero point",
        "torch.fake_quantize_per_tensor_affine rounds in floats; or keep int8 tensors and scales of your own",
    ),
    Refusal(
        "ao ao.* quantization quantization.* nn.quantized* nn.quantizable* nn.qat* nn.intrinsic*",
        "PyTorch's quantisation works on its quantised tensors, which XLA does not have",
        "torch.fake_quantize_per_tensor_affine in the model; int8 matrix products in JAX",
    ),
    Refusal(
        "nn.functional.scaled_mm nn.functional.scaled_grouped_mm nn.functional.ScalingType "
        "nn.functional.SwizzleType",
        "they are entries to NVIDIA's kernels for 8-bit floats, scaled block by block",
        "multiply the scales in and use torch.matmul or nn.functional.grouped_mm",
    ),
    # --- layouts -----------------------------------------------------------------------------------
    Refusal(
        "nested nested.* nested_tensor nested_to_padded_tensor Tensor.to_padded_tensor Tensor.is_nested",
        "XLA has no ragged arrays",
        "pad, and keep the lengths",
    ),
    Refusal(
        "Tensor.names Tensor.rename* Tensor.align_* Tensor.refine_names Tensor.has_names",
        "PyTorch's named tensors are an experiment that most of its functions refuse",
        "keep the order of dims in comments, or use einops",
    ),
    Refusal(
        "Tensor.index dim functorch*",
        "first-class dims are an experiment of functorch",
        "use torch.einsum, indexing or torch.vmap",
    ),
    Refusal(
        "sparse.SparseSemiStructured* sparse.to_sparse_semi_structured",
        "XLA has no 2:4 sparse products",
        "a dense matrix with zeros gives the same numbers",
    ),
    Refusal(
        "Tensor.to_mkldnn mkldnn_* utils.mkldnn*",
        "oneDNN's layout belongs to oneDNN; XLA has its own",
        "leave the tensor as it is",
    ),  # fmt: skip
    # --- other libraries' entries --------------------------------------------------------------------
    Refusal(
        "cudnn_* miopen_* batch_norm_stats batch_norm_elemt batch_norm_gather_stats* "
        "batch_norm_backward_* vulkan*",
        "they are entries to one vendor's kernels, which PyTorch's CPU refuses as well",
        "use the function of torch.nn.functional; XLA picks the kernel",
    ),
    Refusal(
        "native_norm",
        "PyTorch has it for sparse tensors only, inside of torch.sparse",
        "use torch.linalg.vector_norm",
    ),
    Refusal(
        "cuda.CUDAGraph cuda.graph cuda.graphs* cuda.graph_pool_handle cuda.make_graphed_callables "
        "xpu.XPUGraph xpu.graph* xpu.make_graphed_callables accelerator.Graph accelerator.graphs*",
        "XLA compiles whole programs, so there are no launches to record",
        "torch.compile(function)",
    ),
    Refusal(
        "cuda.MemPool cuda.use_mem_pool cuda.caching_allocator_* cuda.CUDAPluggableAllocator "
        "cuda.change_current_allocator cuda.get_allocator_backend cuda.*_per_process_memory_fraction "
        "xpu.MemPool xpu.use_mem_pool xpu.XPUPluggableAllocator xpu.change_current_allocator "
        "xpu.*_per_process_memory_fraction cuda.memory.* xpu.memory*",
        "XLA owns the memory of its devices and sizes it when the process starts",
        "set XLA_PYTHON_CLIENT_MEM_FRACTION or XLA_PYTHON_CLIENT_PREALLOCATE before the start",
    ),
    Refusal(
        "cuda.ExternalStream cuda.streams.ExternalStream cuda.get_stream_from_external cuda.cudart "
        "cuda.current_blas_handle "
        "cuda.current_solver_handle cuda.GreenContext cuda.green_contexts* cuda.check_error "
        "cuda.cudaStatus cuda.gds* xpu.streams*",
        "JAX does not show the driver's handles",
        "use a foreign function of JAX (jax.ffi) for code of your own",
    ),
    Refusal(
        "cuda.jiterator* cuda.tunable* cuda.nccl* cuda.comm* cuda.sparse cuda.profiler* cuda.graphs",
        "they steer CUDA's kernels and libraries, which XLA generates and calls by itself",
        "jax.profiler traces programs; jax.lax has the collectives; jax.experimental.pallas writes kernels",
    ),
    Refusal(
        "backends.cuda.cufft_plan_cache* backends.cuda.cuFFTPlanCache* backends.cuda.cuBLASModule "
        "backends.cuda.*workspace_size backends.ContextProp backends.PropModule backends.GenericModule "
        "backends.cusparselt* backends.miopen* backends.python_native* backends.kleidiai* backends.xeon* "
        "backends._*",
        "they steer libraries that XLA calls by itself",
        "leave it to XLA, or set its flags in XLA_FLAGS",
    ),
    Refusal(
        "mtia mtia.* mps.profiler* mps.event* xpu.memory.* xpu.random* xpu.graphs*",
        "this device exists in PyTorch's own builds only",
        "'cuda' means the accelerator that JAX has",
    ),
    # --- TorchScript and the compiler's inside -----------------------------------------------------------
    Refusal(
        "*Type AliasDb Argument ArgumentSpec Block CallStack Capsule Code CompilationUnit "
        "CompleteArgumentSpec ConcreteModuleType* DeepCopyMemoTable ErrorReport ExecutionPlan FileCheck "
        "FunctionSchema Gradient Graph GraphExecutorState IODescriptor JITException LiteScriptModule "
        "LockingLogger Node NoopLogger OperatorInfo Script* StaticModule TracingState Use Value "
        "PyTorchFileReader PyTorchFileWriter *StorageContext ParameterDict ModuleDict BufferDict Type "
        "import_ir_module* parse_ir parse_schema parse_type_comment merge_type_from_type_comment "
        "unify_type_list Future FatalError AggregationType Benchmark* ThroughputBenchmark DispatchKey* "
        "ExcludeDispatchKeyGuard testing.FileCheck AVG SUM",
        "they are parts of TorchScript's compiler and of PyTorch's dispatcher, written in C++",
        "torch.compile, jax.make_jaxpr or jax.jit(f).lower(...) show what a function does",
    ),
    Refusal(
        "jit jit.*",
        "TorchScript is not there",
        "call the module itself, or torch.compile(module)",
    ),
    Refusal(
        "fx fx.* _dynamo* _inductor* utils.mobile_optimizer* utils.model_dump* utils.bundled_inputs*",
        "they rewrite PyTorch's graphs; a program's graph is JAX's here",
        "jax.make_jaxpr shows and jax.core transforms it",
    ),
    Refusal(
        "cpp cpp.* nn.cpp*",
        "there is no C++ front end whose modules could be wrapped",
        "write the module in Python",
    ),  # fmt: skip
    Refusal(
        "compiler.config* compiler.*_unsafe compiler.substitute_in_graph compiler.load_compiled_function "
        "compiler.set_enable_guard_collectives compiler.*cache_artifacts compiler.*default_backend "
        "compiler.nested_compile_region compiler.wrap_numpy",
        "they steer TorchDynamo's tracing, guards and caches; torch.compile records the calls and XLA "
        "compiles them",
        "leave them out; XLA_FLAGS and jax.config set what XLA does",
    ),
    Refusal(
        "nn.attention.*_flash_attention_impl* nn.attention.list_flash_attention_impls "
        "nn.attention.varlen*",
        "there are no attention kernels to choose from: XLA writes the one that runs",
        "use torch.nn.functional.scaled_dot_product_attention with attn_mask",
    ),
    Refusal(
        "nn.attention.flex_attention*",
        "it is a generator of Triton kernels, made for TorchInductor",
        "add the scores' change to attn_mask of torch.nn.functional.scaled_dot_product_attention",
    ),
    Refusal("onnx onnx.*", "the ONNX exporter is not there", "export with jax.export"),
    Refusal(
        "export export.*",
        "PyTorch's exported programs are graphs of its own operators",
        "export with jax.export",
    ),  # fmt: skip
    Refusal(
        "library library.* ops.* classes.* utils.cpp_extension* utils.dlpack.* utils.hipify* "
        "utils.jit* nativert*",
        "there is no registry of C++ operators to extend",
        "write the function in JAX, or bind C++ with jax.ffi",
    ),
    Refusal(
        "package package.*",
        "torch.package freezes modules of PyTorch's own",
        "ship the code as a Python package",
    ),  # fmt: skip
    # --- many processes ------------------------------------------------------------------------------
    Refusal(
        "distributed distributed.* nn.parallel.distributed* nn.parallel.scatter_gather* "
        "nn.parallel.comm* nn.parallel.parallel_apply* nn.parallel.replicate* nn.parallel.scatter "
        "nn.parallel.gather nn.parallel.DistributedDataParallel nn.SyncBatchNorm* "
        "monitor* numa*",
        "there is one process, which drives all of JAX's devices",
        "use jax.sharding on the arrays, and jax.distributed for several hosts",
    ),
    Refusal(
        "multiprocessing.*reductions* multiprocessing.queue* multiprocessing.pool* "
        "multiprocessing.cuda_multiprocessing*",
        "memory of XLA's is not shared between processes",
        "send NumPy arrays, which multiprocessing pickles",
    ),
    Refusal(
        "autograd.Function.boxed_grads_call autograd.Function.*clear_saved_tensors* "
        "autograd.Function.dirty_tensors autograd.Function.mark_shared_storage "
        "autograd.Function.materialize_grads autograd.Function.metadata autograd.Function.name "
        "autograd.Function.needs_input_grad autograd.Function.next_functions "
        "autograd.Function.non_differentiable autograd.Function.register_*hook "
        "autograd.Function.requires_grad autograd.Function.saved_for_forward "
        "autograd.Function.saved_variables autograd.Function.to_save",
        "they belong to the node that a call of the function makes",
        "use ctx in forward and backward, or grad_fn of the result",
    ),
    Refusal(
        "optim.adadelta.adadelta optim.adagrad.adagrad optim.adam.adam optim.adamax.adamax "
        "optim.adamw.adamw optim.asgd.asgd optim.nadam.nadam optim.radam.radam optim.rmsprop.rmsprop "
        "optim.sgd.sgd optim.swap_in_optimizer_params_and_state",
        "a step is one compiled program of the whole optimizer here, not a loop over lists of tensors",
        "use the class of torch.optim, or optax",
    ),
    # --- tools -----------------------------------------------------------------------------------------
    Refusal(
        "autograd.profiler.emit_nvtx autograd.profiler.emit_itt autograd.profiler.load_nvprof "
        "autograd.profiler.parse_nvprof_trace profiler.itt*",
        "they are about other tools' files and marks",
        "record_function names ranges for jax.profiler",
    ),
    Refusal(
        "utils.benchmark.* utils.bottleneck* utils.collect_env* utils.viz* utils.data.datapipes* "
        "utils.data.*DataPipe utils.data.DataChunk utils.data.functional_datapipe "
        "utils.data.argument_validation utils.data.runtime_validation* "
        "utils.data.guaranteed_datapipes_determinism utils.data.non_deterministic utils.data.graph* "
        "utils.data.backward_compatibility*",
        "PyTorch's own tools; data pipes are deprecated in PyTorch, too",
        "timeit and jax.profiler measure; torch.utils.data.Dataset and DataLoader feed",
    ),
    Refusal(
        "utils.flop_counter* utils.module_tracker*",
        "they count PyTorch's operators as these are dispatched",
        "jax.jit(f).lower(...).cost_analysis() counts what XLA runs",
    ),
    Refusal(
        "utils.*ThroughputBenchmark utils.throughput_benchmark* utils.*privateuse1* "
        "utils.backend_registration* utils.*cpp_backtrace* utils.backcompat* utils.debug_log* "
        "utils.file_baton* utils.show_pickle* utils.hooks.BackwardHook",
        "they are about the inside of PyTorch's build",
        "leave them out",
    ),
    Refusal(
        "autograd.gradcheck.get_*jacobian* autograd.profiler_legacy*",
        "PyTorch has deprecated them",
        "use torch.autograd.functional.jacobian, and torch.profiler",
    ),
    Refusal(
        "masked.maskedtensor.* signal.windows.windows*",
        "torchlike's files are cut otherwise",
        "import the name from torch.masked or torch.signal.windows",
    ),
)


@functools.cache
def _patterns() -> tuple[tuple[re.Pattern[str], Refusal], ...]:
    return tuple(
        (
            re.compile("|".join(map(re.escape, refusal.names.split())).replace(r"\*", "[^.]*")),
            refusal,
        )
        for refusal in REFUSALS
    )


@functools.cache
def refusal(name: str) -> Refusal | None:
    """Why a name below ``torch`` is refused; None if it is not on the list.

    ``jit.script.x`` is refused with ``jit``: what is inside of something refused is refused.
    """
    if name.startswith("nn.Parameter."):
        name = name.removeprefix("nn.Parameter").replace(".", "Tensor.", 1)
    words = name.split(".")
    for end in range(len(words), 0, -1):
        part = ".".join(words[:end])
        for pattern, found in _patterns():
            if pattern.fullmatch(part):
                return found
    return None


def explain(name: str) -> str:
    """The hint that an AttributeError for ``name`` carries."""
    found = refusal(name)
    if found is not None:
        return f"hint: torchlike refuses it: {found.reason}; {found.instead}"
    return f"hint: torchlike does not have torch.{name}; if PyTorch has it, this is torchlike's gap"
