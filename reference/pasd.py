"""PASD's two networks (arXiv 2308.14469) on top of diffusers' modules, with the parameter names of yangxy/PASD.

Written from the paper and from the facts below, which models/pasd of that repository states; none of its code is here.
- UNet: Stable Diffusion 1.5's, and in every layer of every up block, last, a Transformer2DModel called `pixel_attentions.<layer>`
  whose keys and values are the ControlNet's down residual of that layer, one token per position. Its `cross_attention_dim`
  is the channels of that residual in a cross-attention block, `out_channels` in the plain one.
- The same residuals, multiplied by `conditioning_scale`, are added to the skips and the mid block, as with any ControlNet.
- ControlNet: diffusers', but its condition embedding has `to_rgbs` (heads that only training reads) and, where the config
  says `use_rrdb`, two residual-in-residual dense blocks (ESRGAN, arXiv 1809.00219) called `preprocesser` after the first
  convolution.
"""

import torch
from diffusers import ControlNetModel, UNet2DConditionModel
from diffusers.models.controlnets.controlnet import ControlNetConditioningEmbedding
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from diffusers.models.unets.unet_2d_blocks import CrossAttnUpBlock2D, UpBlock2D
from torch import Tensor, nn


class PixelAwareUpBlock(nn.Module):
    """What the pixel-aware up blocks add to diffusers': after each resnet (and text attention), attention to the residual."""

    def forward(
        self,
        hidden_states: Tensor,
        res_hidden_states_tuple: tuple[Tensor, ...],
        temb: Tensor,
        encoder_hidden_states: Tensor | None = None,
        upsample_size: tuple[int, int] | None = None,
        **_unused: object,
    ) -> Tensor:
        text_attentions = getattr(self, "attentions", [None] * len(self.resnets))
        layers = zip(self.resnets, text_attentions, self.pixel_attentions, strict=True)
        skips_and_residuals = zip(reversed(res_hidden_states_tuple), reversed(self.residuals), strict=True)
        for (resnet, text_attention, pixel_attention), (skip, residual) in zip(layers, skips_and_residuals, strict=True):
            hidden_states = resnet(torch.cat([hidden_states, skip], dim=1), temb)
            if text_attention is not None:
                hidden_states = text_attention(hidden_states, encoder_hidden_states).sample
            hidden_states = pixel_attention(hidden_states, residual.flatten(2).transpose(1, 2)).sample
        for upsampler in self.upsamplers or []:
            hidden_states = upsampler(hidden_states, upsample_size)
        return hidden_states


class PixelAwareCrossAttnUpBlock2D(PixelAwareUpBlock, CrossAttnUpBlock2D):
    pass


class PixelAwareUpBlock2D(PixelAwareUpBlock, UpBlock2D):
    pass


class PasdUNet2DConditionModel(UNet2DConditionModel):
    """Make it with `pasd_unet`. `forward` takes the ControlNet's residuals as diffusers' UNet does."""

    def forward(self, sample, timestep, encoder_hidden_states, *, down_block_additional_residuals, **options):
        remaining = list(down_block_additional_residuals)
        for block in self.up_blocks:
            block.residuals = remaining[-len(block.resnets) :]
            del remaining[-len(block.resnets) :]
        options["down_block_additional_residuals"] = down_block_additional_residuals
        return super().forward(sample, timestep, encoder_hidden_states, **options)


def pasd_unet(**config: object) -> PasdUNet2DConditionModel:
    unet = PasdUNet2DConditionModel(**config)
    channels = list(reversed(unet.config.block_out_channels))
    heads = unet.config.attention_head_dim
    assert isinstance(heads, int) and isinstance(unet.config.transformer_layers_per_block, int), "SD1.5 has one number"
    for level, block in enumerate(unet.up_blocks):
        width = channels[level]
        narrower = channels[min(level + 1, len(channels) - 1)]
        has_text = isinstance(block, CrossAttnUpBlock2D)
        last = len(block.resnets) - 1
        block.pixel_attentions = nn.ModuleList(
            Transformer2DModel(
                num_attention_heads=heads,
                attention_head_dim=width // heads,
                in_channels=width,
                num_layers=unet.config.transformer_layers_per_block,
                cross_attention_dim=narrower if has_text and layer == last else width,
                norm_num_groups=unet.config.norm_num_groups,
                use_linear_projection=unet.config.use_linear_projection,
                upcast_attention=unet.config.upcast_attention,
            )
            for layer in range(last + 1)
        )
        block.__class__ = PixelAwareCrossAttnUpBlock2D if has_text else PixelAwareUpBlock2D
    return unet


class DenseBlock(nn.Module):
    """ESRGAN's residual dense block: each convolution sees everything before it."""

    def __init__(self, channels: int, growth: int):
        super().__init__()
        for i in range(1, 6):
            out = channels if i == 5 else growth
            setattr(self, f"conv{i}", nn.Conv2d(channels + (i - 1) * growth, out, kernel_size=3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        seen = [x]
        for i in range(1, 5):
            conv = getattr(self, f"conv{i}")
            seen.append(nn.functional.leaky_relu(conv(torch.cat(seen, dim=1)), negative_slope=0.2))
        return x + 0.2 * self.conv5(torch.cat(seen, dim=1))


class ResidualInResidualDenseBlock(nn.Module):
    def __init__(self, channels: int, growth: int):
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = (DenseBlock(channels, growth) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        return x + 0.2 * self.rdb3(self.rdb2(self.rdb1(x)))


class PasdConditionEmbedding(ControlNetConditioningEmbedding):
    """diffusers' embedding, the heads for training (held, never used here) and the optional dense blocks."""

    def __init__(self, channels: int, block_out_channels: tuple[int, ...], *, return_rgbs: bool, use_rrdb: bool):
        super().__init__(channels, block_out_channels=tuple(block_out_channels))
        if return_rgbs:
            self.to_rgbs = nn.ModuleList(nn.Conv2d(c, 3, kernel_size=3, padding=1) for c in block_out_channels[1:])
        first = block_out_channels[0]
        blocks = (ResidualInResidualDenseBlock(first, first) for _ in range(2))
        self.preprocesser = nn.Sequential(*blocks) if use_rrdb else None

    def forward(self, conditioning: Tensor) -> Tensor:
        embedding = nn.functional.silu(self.conv_in(conditioning))
        if self.preprocesser is not None:
            embedding = self.preprocesser(embedding)
        for block in self.blocks:
            embedding = nn.functional.silu(block(embedding))
        return self.conv_out(embedding)


def pasd_controlnet(*, return_rgbs: bool = True, use_rrdb: bool = False, **config: object) -> ControlNetModel:
    controlnet = ControlNetModel(**config)
    controlnet.controlnet_cond_embedding = PasdConditionEmbedding(
        controlnet.config.block_out_channels[0],
        controlnet.config.conditioning_embedding_out_channels,
        return_rgbs=return_rgbs,
        use_rrdb=use_rrdb,
    )
    controlnet.register_to_config(return_rgbs=return_rgbs, use_rrdb=use_rrdb)
    return controlnet
