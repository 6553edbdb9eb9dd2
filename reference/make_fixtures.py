"""Regenerates everything in reference/fixtures except fixtures/checkpoints: python reference/make_fixtures.py"""

from pathlib import Path

from clip_full_size import save_full_size
from clip_goldens import make_goldens
from codec_full_size import save_codec_full_size
from diffusion_goldens import make_diffusion_goldens
from image_goldens import make_image_goldens
from measure_goldens import make_measure_goldens
from original_layout import save_original_layout
from pasd_full_size import save_full_size as save_pasd_full_size
from pasd_goldens import make_pasd_goldens
from pipeline_goldens import make_pipeline_goldens
from scheduler_goldens import make_scheduler_goldens
from tiny_clip import save_checkpoints
from tiny_diffusion import save_diffusion_checkpoints
from tiny_pasd import save_pasd_checkpoints
from tiny_unet import save_tiny_unets
from unet_full_size import save_unet_full_size
from unet_goldens import make_unet_goldens
from wavelet_colour import make_wavelet_goldens

FIXTURES = Path(__file__).parent / "fixtures"


def main() -> None:
    save_checkpoints(FIXTURES)
    make_goldens(FIXTURES)
    make_image_goldens(FIXTURES)
    make_measure_goldens(FIXTURES)
    save_full_size(FIXTURES / "clip_full_size.json")
    save_diffusion_checkpoints(FIXTURES)
    make_diffusion_goldens(FIXTURES)
    save_codec_full_size(FIXTURES / "codec_full_size.json")
    save_pasd_checkpoints(FIXTURES)
    make_pasd_goldens(FIXTURES)
    save_pasd_full_size(FIXTURES / "pasd_full_size.json")
    save_tiny_unets(FIXTURES)
    make_unet_goldens(FIXTURES)
    save_unet_full_size(FIXTURES / "unet_full_size.json")
    save_original_layout(FIXTURES / "original_layout.json.gz")
    make_wavelet_goldens(FIXTURES)
    make_scheduler_goldens(FIXTURES)
    make_pipeline_goldens(FIXTURES)


if __name__ == "__main__":
    main()
