// The C interface to libtorch, and all that the Torch module sees of it.
//
// Ownership: a returned handle is +1 and is released with the family's `_free`. Arguments are borrowed.
// Failure: NULL, or nonzero from a function that returns int; ct_error_message() of the same thread then gives the message, which begins
// with the operation's name. No C++ exception crosses this header.
// Shapes are int64_t arrays with their length; booleans are int32_t.
#ifndef CTORCH_H
#define CTORCH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_tensor_s *ct_tensor;
typedef struct ct_generator_s *ct_generator;
typedef struct ct_sparse_filters_s *ct_sparse_filters;

// Element types.
enum { CT_UINT8 = 0, CT_INT64 = 1, CT_FLOAT32 = 2, CT_FLOAT64 = 3, CT_BOOL = 4, CT_INT32 = 5, CT_OTHER = -1 };
// Devices.
enum { CT_CPU = 0, CT_CUDA = 1 };

// The message of the last failure on this thread; valid until the next one.
const char *ct_error_message(void);

// Runtime.cpp
const char *ct_runtime_version(void);
const char *ct_runtime_cpu_capability(void);
int ct_runtime_set_threads(int32_t count);
int32_t ct_runtime_threads(void);
// Flushes denormals to zero on this thread and on the worker threads it computes with.
int ct_runtime_flush_denormals(int32_t enabled);
// Keeps up to half a gigabyte of freed memory in the process instead of paging it in again at each step (glibc only; elsewhere it does
// nothing).
void ct_runtime_keep_memory(void);
// Returns the previous state.
int32_t ct_runtime_set_gradients(int32_t enabled);
int32_t ct_runtime_gradients(void);
// Number of tensors that this thread has created so far.
int64_t ct_runtime_made(void);
// Loads libtorch_cuda.so from beside libtorch_cpu.so, or from `path` if not NULL.
int ct_runtime_load_cuda(const char *path);
int32_t ct_runtime_cuda_devices(void);
// The first device's name, e.g. "NVIDIA H100 80GB HBM3"; empty without one.
const char *ct_runtime_cuda_name(void);
int ct_runtime_synchronize(int32_t device);

ct_generator ct_generator_new(uint64_t seed);
void ct_generator_free(ct_generator generator);
ct_tensor ct_generator_state(ct_generator generator);
int ct_generator_set_state(ct_generator generator, ct_tensor state);

// Tensor.cpp: ownership, properties, data
void ct_tensor_free(ct_tensor x);
ct_tensor ct_tensor_empty(const int64_t *sizes, int32_t rank, int32_t type, int32_t device);
ct_tensor ct_tensor_full(const int64_t *sizes, int32_t rank, double value, int32_t type, int32_t device);
ct_tensor ct_tensor_from_data(const void *data, const int64_t *sizes, int32_t rank, int32_t type);
ct_tensor ct_tensor_arange(int64_t count, int32_t type);
ct_tensor ct_tensor_permutation(int64_t count, ct_generator generator);
ct_tensor ct_tensor_empty_like(ct_tensor x);
ct_tensor ct_tensor_full_like(ct_tensor x, double value, int32_t type);
int32_t ct_tensor_rank(ct_tensor x);
void ct_tensor_sizes(ct_tensor x, int64_t *sizes);
int64_t ct_tensor_count(ct_tensor x);
int32_t ct_tensor_type(ct_tensor x);
int32_t ct_tensor_device(ct_tensor x);
int32_t ct_tensor_is_contiguous(ct_tensor x);
int32_t ct_tensor_is_channels_last(ct_tensor x);
// NULL if the tensor is not on the CPU.
void *ct_tensor_data(ct_tensor x);
// Copies in row-major order, whatever the strides.
int ct_tensor_copy_out(ct_tensor x, void *data, size_t bytes);
int ct_tensor_item(ct_tensor x, double *value);
ct_tensor ct_tensor_retain(ct_tensor x);
ct_tensor ct_tensor_clone(ct_tensor x);
ct_tensor ct_tensor_detach(ct_tensor x);
ct_tensor ct_tensor_contiguous(ct_tensor x);
ct_tensor ct_tensor_channels_last(ct_tensor x);
ct_tensor ct_tensor_to_type(ct_tensor x, int32_t type);
ct_tensor ct_tensor_to_device(ct_tensor x, int32_t device);
int ct_tensor_copy(ct_tensor destination, ct_tensor source);
int ct_tensor_fill(ct_tensor x, double value);
int ct_tensor_fill_normal(ct_tensor x, double mean, double deviation, ct_generator generator);
int ct_tensor_fill_uniform(ct_tensor x, double low, double high, ct_generator generator);
int ct_tensor_fill_bernoulli(ct_tensor x, double probability, ct_generator generator);
// destination += scale * source
int ct_tensor_accumulate(ct_tensor destination, ct_tensor source, double scale);
// x *= factor (element-wise, broadcast)
int ct_tensor_scale(ct_tensor x, ct_tensor factor);

// Operations.cpp
enum {
  CT_NEG, CT_ABS, CT_EXP, CT_LOG, CT_SQRT, CT_SQUARE, CT_RECIPROCAL, CT_SIGN, CT_SIGMOID, CT_TANH, CT_RELU, CT_RELU6, CT_GELU, CT_SILU,
  CT_HARD_SIGMOID, CT_HARD_SWISH, CT_SOFTPLUS, CT_MISH, CT_FLOOR, CT_ROUND, CT_IS_FINITE, CT_LOGICAL_NOT, CT_SIN, CT_COS,
  CT_TAN, CT_ASIN, CT_ACOS, CT_ATAN, CT_SINH, CT_COSH, CT_ASINH, CT_ACOSH, CT_ATANH, CT_ERF, CT_CEIL,
  CT_TANH_GELU
};
ct_tensor ct_math_unary(int32_t operation, ct_tensor x);
enum {
  CT_ADD, CT_SUBTRACT, CT_MULTIPLY, CT_DIVIDE, CT_MAXIMUM, CT_MINIMUM, CT_POWER, CT_EQUAL, CT_NOT_EQUAL, CT_LESS, CT_LESS_EQUAL,
  CT_GREATER, CT_GREATER_EQUAL, CT_MATMUL
};
// a⁻¹·b for a symmetric positive definite a [n, n] and b [n, k].
ct_tensor ct_math_solve(ct_tensor a, ct_tensor b);
ct_tensor ct_math_binary(int32_t operation, ct_tensor x, ct_tensor y);
// x + scale·y
ct_tensor ct_math_add_scaled(ct_tensor x, ct_tensor y, double scale);
ct_tensor ct_math_scalar(int32_t operation, ct_tensor x, double y);
ct_tensor ct_math_clamp(ct_tensor x, double low, double high);
ct_tensor ct_math_where(ct_tensor condition, ct_tensor x, ct_tensor y);
enum { CT_SUM, CT_MEAN, CT_MAX, CT_MIN, CT_PRODUCT, CT_NORM, CT_VARIANCE, CT_ARGMAX, CT_ARGMIN, CT_L1, CT_LOG_SUM_EXP };
// dim_count == 0 reduces over everything. ARGMAX/ARGMIN take one dimension, or none.
ct_tensor ct_math_reduce(int32_t operation, ct_tensor x, const int64_t *dims, int32_t dim_count, int32_t keep);
// Counts the elements that are not exactly 0, denormals included; with a mask of the same shape only those where it is false.
int ct_math_count_nonzero(ct_tensor x, ct_tensor mask, int64_t *count);
ct_tensor ct_math_cumulative_sum(ct_tensor x, int64_t dim);
// A stable sort: equal elements keep their order.
ct_tensor ct_math_argsort(ct_tensor x, int64_t dim, int32_t descending);
int ct_math_top(ct_tensor x, int64_t count, int64_t dim, int32_t largest, ct_tensor *values, ct_tensor *indices);

ct_tensor ct_shape_reshape(ct_tensor x, const int64_t *sizes, int32_t rank);
ct_tensor ct_shape_permute(ct_tensor x, const int64_t *dims, int32_t rank);
ct_tensor ct_shape_expand(ct_tensor x, const int64_t *sizes, int32_t rank);
ct_tensor ct_shape_flatten(ct_tensor x, int64_t first, int64_t last);
ct_tensor ct_shape_narrow(ct_tensor x, int64_t dim, int64_t start, int64_t length);
ct_tensor ct_shape_slice(ct_tensor x, int64_t dim, int64_t start, int64_t end, int64_t step);
ct_tensor ct_shape_select(ct_tensor x, int64_t dim, int64_t index);
ct_tensor ct_shape_index_select(ct_tensor x, int64_t dim, ct_tensor indices);
ct_tensor ct_shape_gather(ct_tensor x, int64_t dim, ct_tensor indices);
ct_tensor ct_shape_concatenate(const ct_tensor *parts, int32_t count, int64_t dim);
ct_tensor ct_shape_stack(const ct_tensor *parts, int32_t count, int64_t dim);
ct_tensor ct_shape_pad(ct_tensor x, const int64_t *padding, int32_t count);
// x[i] = value for every i of indices, over the flattened, contiguous x
int ct_shape_fill_at(ct_tensor x, ct_tensor indices, double value);

// SparseConvolution.cpp
// The places of the kept weights of a mask [outputs, inputs, height, width] of bool, for kernels of one of CSparse's forms.
ct_sparse_filters ct_sparse_filters_new(
  ct_tensor mask, const int64_t stride[2], const int64_t padding[2], const int64_t dilation[2], int32_t form);
void ct_sparse_filters_free(ct_sparse_filters filters);
// The convolution of float32 on the CPU with the kept weights alone; those that are not kept count as 0, and their gradients are 0. The bits
// do not depend on the number of threads, but for the gradient of the bias, which is a sum of libtorch's. Images too wide for the kernels are libtorch's.
ct_tensor ct_layer_sparse_convolution(ct_tensor x, ct_tensor weight, ct_tensor bias_or_null, ct_sparse_filters filters);

// Layers.cpp
ct_tensor ct_layer_linear(ct_tensor x, ct_tensor weight, ct_tensor bias_or_null);
ct_tensor ct_layer_convolution(
  ct_tensor x, ct_tensor weight, ct_tensor bias_or_null, const int64_t stride[2], const int64_t padding[2], const int64_t dilation[2],
  int64_t groups);
// [N, C, H, W] to [N, C·kernel, positions]: the input of each window of a convolution, as columns.
ct_tensor ct_layer_unfold(
  ct_tensor x, const int64_t kernel[2], const int64_t stride[2], const int64_t padding[2], const int64_t dilation[2]);
ct_tensor ct_layer_max_pool(
  ct_tensor x, const int64_t kernel[2], const int64_t stride[2], const int64_t padding[2], int32_t ceil_mode);
ct_tensor ct_layer_average_pool(
  ct_tensor x, const int64_t kernel[2], const int64_t stride[2], const int64_t padding[2], int32_t ceil_mode, int32_t count_padding);
ct_tensor ct_layer_adaptive_average_pool(ct_tensor x, int64_t height, int64_t width);
ct_tensor ct_layer_adaptive_max_pool(ct_tensor x, int64_t height, int64_t width);
// Zeros around [N, C, H, W].
ct_tensor ct_layer_pad(ct_tensor x, int64_t top, int64_t bottom, int64_t left, int64_t right);
enum { CT_NEAREST, CT_BILINEAR, CT_BILINEAR_ALIGNED };
ct_tensor ct_layer_resize(ct_tensor x, int64_t height, int64_t width, int32_t interpolation);
ct_tensor ct_layer_leaky_relu(ct_tensor x, double slope);
ct_tensor ct_layer_elu(ct_tensor x, double alpha);
ct_tensor ct_layer_prelu(ct_tensor x, ct_tensor slopes);
// x·gate; a gate of [N, C] is spread over the positions of [N, C, H, W].
ct_tensor ct_layer_gate(ct_tensor x, ct_tensor gate);
// weight·x + bias with one number each per channel (dimension 1).
ct_tensor ct_layer_channel_affine(ct_tensor x, ct_tensor weight, ct_tensor bias_or_null);
// Normalises over the channels at each position, with `absent` further channels of zeros.
ct_tensor ct_layer_channel_norm(ct_tensor x, ct_tensor weight_or_null, ct_tensor bias_or_null, double epsilon, int64_t absent);
ct_tensor ct_layer_local_response_norm(ct_tensor x, int64_t size, double alpha, double beta, double k);
ct_tensor ct_layer_batch_norm(
  ct_tensor x, ct_tensor weight_or_null, ct_tensor bias_or_null, ct_tensor running_mean, ct_tensor running_variance, int32_t training,
  double momentum, double epsilon);
ct_tensor ct_layer_group_norm(ct_tensor x, int64_t groups, ct_tensor weight_or_null, ct_tensor bias_or_null, double epsilon, int64_t absent);
ct_tensor ct_layer_dropout(ct_tensor x, double probability, ct_generator generator);
ct_tensor ct_layer_log_softmax(ct_tensor x, int64_t dim);
ct_tensor ct_layer_softmax(ct_tensor x, int64_t dim);
// With a weight of [outputs, inputs/groups, height, width], as convolutions have it.
ct_tensor ct_layer_transposed_convolution(
    ct_tensor x, ct_tensor weight, ct_tensor bias_or_null, const int64_t stride[2], const int64_t padding[2], const int64_t output_padding[2],
    const int64_t dilation[2], int64_t groups);
// softmax(scale·q·kᵀ + bias)·v in each head; channels of a head lie side by side, positions behind the channels. With weights, [heads], queries
// and keys are divided by their lengths, and products multiplied by the weight. A bias is [heads, queries, keys]. Windows of other than 0 rows
// keep positions of an image apart: tiles, or the pixels of a grid; where the image was rolled by shift, −100 separates what was apart.
typedef struct {
  int64_t height, width;
  int64_t shift_down, shift_right;
  int32_t is_grid;
} ct_attention_window;
ct_tensor ct_layer_attention(
    ct_tensor queries, ct_tensor keys, ct_tensor values, int64_t heads, double scale, ct_tensor weights_or_null, ct_tensor bias_or_null,
    ct_attention_window window);
// The image moved down and to the right, what is beyond its borders coming in from the other side.
ct_tensor ct_layer_roll(ct_tensor x, int64_t down, int64_t right);
// [batch, positions]: the mean of x^2 over the channels at each position, divided by its Euclidean norm over the positions.
ct_tensor ct_layer_attention_map(ct_tensor x);
enum { CT_REDUCE_NONE, CT_REDUCE_MEAN, CT_REDUCE_SUM };
ct_tensor ct_loss_cross_entropy(ct_tensor logits, ct_tensor labels, int32_t reduction, double label_smoothing);
// The mean over the batch of (1 - w) CE(logits, labels) + w T^2 KL(softmax(teacher/T) || softmax(logits/T)); labels are needed below w = 1.
ct_tensor ct_loss_distillation(
  ct_tensor logits, ct_tensor teacher, ct_tensor labels_or_null, double temperature, double weight, double label_smoothing);
ct_tensor ct_loss_mean_squared(ct_tensor x, ct_tensor y, int32_t reduction);

// Gradients.cpp
int ct_gradient_require(ct_tensor x, int32_t required);
int32_t ct_gradient_is_required(ct_tensor x);
// NULL without a message if there is no gradient.
ct_tensor ct_gradient_get(ct_tensor x);
int ct_gradient_clear(ct_tensor x);
// `gradient` itself, not a copy, becomes the accumulated gradient.
int ct_gradient_adopt(ct_tensor x, ct_tensor gradient);
int ct_gradient_backward(ct_tensor x, int32_t retain_graph);
// d(sum of outputs·seeds)/d(inputs); seeds may be NULL (ones, for scalar outputs); an input that no output depends on gets NULL.
int ct_gradient_of(
  const ct_tensor *outputs, int32_t output_count, const ct_tensor *seeds, const ct_tensor *inputs, int32_t input_count,
  int32_t retain_graph, int32_t create_graph, ct_tensor *gradients);

// Optimizers.cpp: one vectorised pass over all parameters. Each step reads a parameter's accumulated gradient and clears it; a parameter
// without a gradient is left alone. masks[i] may be NULL; where a mask (bool, same layout) is false, parameter and moments become exactly
// 0.
typedef struct {
  double learning_rate, momentum, weight_decay;
  int32_t nesterov;
} ct_sgd_options;
int ct_optimizer_sgd_step(
  const ct_tensor *parameters, const ct_tensor *velocities, const ct_tensor *masks, int32_t count, const ct_sgd_options *options);
typedef struct {
  double learning_rate, beta1, beta2, epsilon, weight_decay;
  int32_t decoupled;
  int64_t step;  // 1 for the first
} ct_adam_options;
int ct_optimizer_adam_step(
  const ct_tensor *parameters, const ct_tensor *first_moments, const ct_tensor *second_moments, const ct_tensor *masks, int32_t count,
  const ct_adam_options *options);
// x = 0 where the mask is false; tensors with a NULL mask are skipped.
int ct_optimizer_apply_masks(const ct_tensor *tensors, const ct_tensor *masks, int32_t count);

// Images.cpp: out[i] = the normalised elements of example indices[i], of images a part, possibly mirrored; calls nothing in libtorch, so
// that a loader's own thread may run it. An example's elements are bytes, normalised by the table, or float values x, as
// (x − mean)/deviation. A vector is an image of one pixel with many channels.
typedef struct {
  const uint8_t *bytes;    // [count, stored_channels, height, width]; NULL for floats
  const float *floats;     // the same; NULL for bytes
  int64_t count;
  int32_t channels, stored_channels, height, width;  // one stored channel serves all
  int32_t out_height, out_width;
  const float *table;      // [channels, 256], of bytes
  const float *mean;       // [channels], of floats
  const float *deviation;  // [channels], of floats
  const float *fill;       // [channels], what lies outside the image
  int32_t channels_last;   // order of the output within one example
} ct_image_source;
// dy, dx: position of the output's corner in the image (negative: outside); mirrored: 0 or 1; all three may be NULL
// together, for the middle of each image.
int ct_image_assemble(
  const ct_image_source *source, const int64_t *indices, int64_t count, const int32_t *dy, const int32_t *dx, const uint8_t *mirrored,
  float *out);

#ifdef __cplusplus
}
#endif
#endif
