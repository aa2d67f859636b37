"""Keys of DSA by parameters that were made once, here: to find parameters takes seconds, a key none."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import dsa

_P = int(
    "cc1e2c4d24c93a0d66fb362a2ded584d791f3d4b12c5424fb142d8373d7d0e4541891f74e604e5a9d485f2bc81c363dd"
    "bff7616fedb19fd4d9bbd8cbed7d29d37aecdd747fdafd7c8e1a4d4c4e3fe90b73c13aecef884ebbead3399fbf9a3570"
    "6690725ef50c65cf1d70e895e32bc7708bec51bc4f45590c6d9f0cf9bc8c59bdff05ff4194c3a81e18af179e2945f594"
    "8bccb08f3822f352ccc04ba6a75f11c5737b4e0051d1337d163e7ba2e351e7e39cfcdf20f36eb186ae479af00b6b9f63"
    "0f1592aa378056240645f461af1c9a60a53d78058d5aa667d23117922c2a221b87e263a59acc0cb9aa0e407d602573a6"
    "91813f9728f0c2e34162f8298248fd7f",
    16,
)
_Q = int("f83f59a1b9bb7e69e2980dfd3dd40aa8a33dffd5802a687538fe1d5e68d1a379", 16)
_G = int(
    "96ee6d940ccd477c87dee9d2bbea8b4ff2e6c7076bb3f8587a8f8615af53b0cd0268856fa3697411637a2befb034371f"
    "742689a6814746b8b0b9e9c47c4a4266d32b014276ec31ad995814c00d660d29a393d424539ac30a96246ffa46011a28"
    "bb37e4a4381f49287493b63ca533c1dc558f55ebab9b37e81423e76c864d7d40dcac5f300d31a8ec82154c661187ea80"
    "b2944eb26550efee71c98d12b6d37900dcbe989bdf519ec1f4e0edd5c3f965303d6297e74c8fcd637b47d35c7da33a34"
    "23e56fff1a6b434288116c9eafc0d8cd81b76c8e4698e5de99834aebb9ce85f96078729d89b35bd3d4a5d10818d05d6e"
    "b15a1b0627fc0eecbdb004ed8697e1e1",
    16,
)


def dsa_2048() -> dsa.DSAPrivateKey:
    """A new key of 2048 bits."""
    return dsa.DSAParameterNumbers(_P, _Q, _G).parameters().generate_private_key()
